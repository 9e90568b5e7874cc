#!/usr/bin/env bash
# Installs what the portal's tests need, once a machine: chromium with its driver, fonts for Bengali and Hindi, and the
# accessibility checker axe-core. What is there already is taken as it is.
#
# axe-core is a script of the npm world; it is taken from a Python wheel that carries it, into the kept folder. Settings:
# DALIL_INSTALL=no installs nothing, DALIL_FONTS names another folder with the fonts.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

axe_wheel=axe-playwright-python
axe_wheel_version=0.1.8
axe_script=$tools_dir/axe/axe_playwright_python/axe.min.js
# Where the node looks for them by default.
fonts_dir=${DALIL_FONTS:-/usr/share/fonts/truetype/noto}

missing=()

check_browser() {
    if have chromedriver && { have chromium || have google-chrome || have chromium-browser; }; then return; fi
    if can_install_packages && install_packages chromium chromium-driver fonts-noto-core &&
        have chromedriver && have chromium; then return; fi
    missing+=("chromium and chromedriver: apt-get install chromium chromium-driver fonts-noto-core")
}

check_fonts() {
    if [ -s "$fonts_dir/NotoSansBengali-Regular.ttf" ] && [ -s "$fonts_dir/NotoSansDevanagari-Regular.ttf" ]; then return; fi
    if can_install_packages && install_packages fonts-noto-core && [ -s "$fonts_dir/NotoSansBengali-Regular.ttf" ]; then return; fi
    missing+=("Noto fonts: apt-get install fonts-noto-core")
}

check_axe() {
    if [ -s "$axe_script" ]; then return; fi
    if install_wheel "$axe_wheel" "$axe_wheel_version" "$tools_dir/axe" && [ -s "$axe_script" ]; then return; fi
    missing+=("axe-core: python3 -m pip install --no-deps --target $tools_dir/axe $axe_wheel==$axe_wheel_version")
}

check_browser
check_fonts
check_axe
if [ ${#missing[@]} -gt 0 ]; then
    complain "Missing for the portal's tests:"
    for line in "${missing[@]}"; do complain "  - $line"; done
    exit 1
fi
say "browser: $(chromedriver --version | cut -d ' ' -f 1,2), axe-core $(sed -n 's|^/\*! axe v\([0-9.]*\).*|\1|p' "$axe_script")"
