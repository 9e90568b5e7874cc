#!/usr/bin/env bash
# Makes the container image dalil:local without any image registry: debootstrap's smallest base of this machine's own
# release, and the given binary, which was built on this machine. Needs root and the distribution's package archive.
#
#     testnet/compose/offline-image.sh PATH-OF-DALIL
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/../setup/common.sh"

binary=${1:?usage: offline-image.sh PATH-OF-DALIL}
[ -x "$binary" ] || { complain "offline-image: $binary is not there; run \`make build\` first"; exit 1; }
[ "$(id -u)" = 0 ] || { complain "offline-image: debootstrap needs root; run this as root"; exit 1; }

release=$(. /etc/os-release && echo "$VERSION_CODENAME")
base=dalil-base:$release

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# make_base: the distribution's smallest system plus the C++ run-time library, imported as an image once a machine.
make_base() {
    local archive
    if ! have debootstrap; then install_packages debootstrap; fi
    # Where this machine's own packages come from; empty: debootstrap's own default.
    # shellcheck disable=SC2016  # $(REPO_URI) is apt's own
    archive=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' "Codename: $release" 2>/dev/null | head -n 1)
    say "offline-image: $release base by debootstrap (a minute or two, once a machine)"
    if ! debootstrap --variant=minbase --include=libstdc++6,ca-certificates "$release" "$work/base" ${archive:+"$archive"} \
        >"$work/debootstrap.log" 2>&1; then
        tail -n 20 "$work/debootstrap.log" >&2
        exit 1
    fi
    rm -rf "$work"/base/var/cache/apt/archives/*.deb "$work"/base/var/lib/apt/lists/* "$work"/base/usr/share/{doc,man,locale}
    tar -C "$work/base" --numeric-owner -c . | docker import - "$base" >/dev/null
}

docker image inspect "$base" >/dev/null 2>&1 || make_base

mkdir "$work/context" "$work/context/fonts"
cp "$binary" "$work/context/dalil"
# The portal's fonts, from this machine. Without them its pages take those of the reader's device.
fonts=(/usr/share/fonts/truetype/noto/NotoSans{,Bengali,Devanagari}-{Regular,Bold}.ttf)
if [ ! -s "${fonts[0]}" ]; then install_packages fonts-noto-core || complain "offline-image: no Noto fonts here"; fi
for font in "${fonts[@]}"; do if [ -s "$font" ]; then cp "$font" "$work/context/fonts/"; fi; done
cat >"$work/context/Dockerfile" <<END
FROM $base
RUN useradd --system --uid 10001 --user-group --home-dir /var/lib/dalil --shell /usr/sbin/nologin dalil \\
    && install -d -o dalil -g dalil -m 0700 /var/lib/dalil
COPY fonts /usr/share/fonts/truetype/noto
COPY dalil /usr/local/bin/dalil
RUN ! ldd /usr/local/bin/dalil | grep 'not found' && dalil --version
USER 10001:10001
VOLUME ["/var/lib/dalil"]
ENTRYPOINT ["dalil"]
CMD ["node", "start", "--home", "/var/lib/dalil"]
END
docker build --quiet --tag dalil:local "$work/context" >"$work/build.log" 2>&1 || { cat "$work/build.log" >&2; exit 1; }
