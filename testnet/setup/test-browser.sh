#!/usr/bin/env bash
# Shows that browser.sh names what is missing and takes what is there. Installs nothing.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export DALIL_CACHE=$work/kept DALIL_INSTALL=no DALIL_FONTS=$work/fonts
passed=0 failed=0

# expect CASE CODE WORDS PATH: runs browser.sh with this PATH and looks at its exit code and at what it says.
expect() {
    local code=0
    env PATH="$4" ./browser.sh >"$work/said" 2>&1 </dev/null || code=$?
    if [ "$code" = "$2" ] && grep -q -e "$3" "$work/said"; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "FAILED: $1: exit $code, expected $2 and the words '$3'; it said:"
        sed 's/^/    /' "$work/said"
    fi
}

# A machine with the few programs that the script itself needs, and one that has a browser too.
mkdir -p "$work/bare" "$work/browser" "$work/kept/tools"
for name in bash env cut sed dirname id; do ln -s "$(command -v "$name")" "$work/bare/$name"; done
printf '#!/bin/sh\necho "ChromeDriver 1.2.3 (0)"\n' >"$work/browser/chromedriver"
cp "$work/browser/chromedriver" "$work/browser/chromium"
chmod +x "$work/browser"/*

expect "no browser" 1 "^  - chromium and chromedriver: apt-get install" "$work/bare"
expect "no fonts" 1 "^  - Noto fonts: apt-get install fonts-noto-core" "$work/browser:$work/bare"
mkdir "$work/fonts"
for script in Bengali Devanagari; do echo font >"$work/fonts/NotoSans$script-Regular.ttf"; done
expect "no checker" 1 "^  - axe-core: python3 -m pip install" "$work/browser:$work/bare"
mkdir -p "$work/kept/tools/axe/axe_playwright_python"
echo '/*! axe v9.9.9' >"$work/kept/tools/axe/axe_playwright_python/axe.min.js"
expect "all in place" 0 "^browser: ChromeDriver 1.2.3, axe-core 9.9.9" "$work/browser:$work/bare"

echo "test-browser: $passed passed, $failed failed"
[ "$failed" = 0 ]
