# Builds and caches what the guest boots from: Debian's kernel with its modules, and a small initrd.

# Modules that must be there before the host's root can be mounted, in no particular order.
BOOT_MODULES="virtio_pci virtio_console 9pnet_virtio 9p overlay"

# prepare_image: sets CACHE, KERNEL, INITRD and MODULES; builds what is missing or damaged.
#
# Each recipe has a directory of its own, so that trees with different ones do not pull the files from under each
# other's guests. Those that nobody has used for a week are removed.
prepare_image() {
    CACHE=$CACHES/$(cat scripts/guest/image.sh scripts/guest/init | sha256sum | cut -c1-16)
    mkdir -p "$CACHE"
    exec 8>"$CACHES/lock"
    flock 8
    touch "$CACHE"
    find "$CACHES" -mindepth 1 -maxdepth 1 -type d -regex '.*/[0-9a-f]+' -mtime +7 -exec rm -rf {} +
    (cd "$CACHE" && sha256sum --status -c checksums 2>/dev/null) || build_image
    exec 8>&-
    KERNEL=$CACHE/vmlinuz INITRD=$CACHE/initrd MODULES=$CACHE/root/lib/modules
}

build_image() {
    say "building the guest (downloads Debian's kernel, about 70 MB, once)"
    rm -rf "$CACHE"
    mkdir "$CACHE"
    local package version initrd=$CACHE/initrd.d module file
    as_root apt-get update -qq >/dev/null 2>&1 || true
    package=$(apt-cache depends linux-image-amd64 | awk '/Depends: linux-image-[0-9]/ { print $2; exit }')
    [ -n "$package" ] || die "apt knows no kernel (linux-image-amd64); are Debian's package lists there?"
    (cd "$CACHE" && apt-get download -q "$package" >/dev/null 2>&1) || die "cannot download $package"
    dpkg-deb -x "$CACHE"/linux-image-*.deb "$CACHE/root"
    rm "$CACHE"/linux-image-*.deb
    version=${package#linux-image-}
    cp "$CACHE/root/boot/vmlinuz-$version" "$CACHE/vmlinuz"
    rm -rf "$CACHE/root/boot" "$CACHE/root/usr"
    depmod -b "$CACHE/root" "$version"

    mkdir -p "$initrd"/{bin,dev,proc,sys,host,top,root,modules}
    cp /bin/busybox "$initrd/bin/"
    for module in $BOOT_MODULES; do
        modprobe -d "$CACHE/root" -S "$version" --show-depends "$module"
    done | awk '$1 == "insmod" && !seen[$2]++ { print $2 }' >"$CACHE/order"
    while read -r file; do
        cp "$file" "$initrd/modules/"
        basename "$file"
    done <"$CACHE/order" >"$initrd/modules/order"
    install -m 755 scripts/guest/init "$initrd/init"
    (cd "$initrd" && find . | cpio -o -H newc --quiet | gzip -1) >"$CACHE/initrd"
    rm -r "$initrd" "$CACHE/order"
    (cd "$CACHE" && find vmlinuz initrd root/lib/modules/*/modules.dep root/lib/modules/*/kernel/net/netfilter/ipvs \
        -type f -exec sha256sum {} +) >"$CACHE/checksums"
}
