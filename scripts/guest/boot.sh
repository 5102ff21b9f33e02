# Starts the guest and brings its output and status back.

# command_script DIRECTORY WORKDIR COMMAND...: what the guest is to run, as an executable file.
command_script() {
    local directory=$1 workdir=$2
    shift 2
    {
        printf '#!/bin/bash\ncd %q\nexport LVSD_LAB=1\n' "$workdir"
        export -p | grep -E '^declare -x (CARGO_|RUST_|LVSD_|NEXTEST|PROPTEST|NO_COLOR|PATH=)' || true
        printf 'exec'
        printf ' %q' "$@"
        printf '\n'
    } >"$directory/command"
    chmod 755 "$directory/command"
}

# choose_accelerator: sets ACCELERATOR; KVM only where it has really booted this guest.
choose_accelerator() {
    if [ ! -s "$CACHE/accelerator" ]; then
        local trial choice=tcg
        trial=$(mktemp -d)
        command_script "$trial" / true
        if [ -w /dev/kvm ]; then
            LVSD_LAB_TIMEOUT=6 boot "$trial" kvm
            [ "$(exit_status "$trial")" != 0 ] || choice=kvm
        fi
        rm -rf "$trial"
        echo "$choice" >"$CACHE/accelerator"
        say "the guest runs with $choice"
    fi
    ACCELERATOR=$(cat "$CACHE/accelerator")
}

# has_started DIRECTORY: whether the guest got as far as to the command.
has_started() { grep -qs started "$1/status"; }

# exit_status DIRECTORY: the command's exit status; nothing if it did not come to its end.
exit_status() { sed -n '/^[0-9]/p' "$1/status" 2>/dev/null || true; }

# boot DIRECTORY ACCELERATOR: runs the guest to its end; what the kernel said is in DIRECTORY/console.
boot() {
    local directory=$1 accelerator=$2 cpu=max forward=none port readers=()
    [ "$accelerator" = kvm ] && cpu=host
    [ "$accelerator" = tcg ] && accelerator=tcg,thread=multi
    if [ -n "${LVSD_LAB_FORWARD:-}" ]; then
        forward=user,model=virtio-net-pci,restrict=on
        for port in $LVSD_LAB_FORWARD; do forward+=",hostfwd=tcp:127.0.0.1:${port%%:*}-${port#*:}"; done
    fi
    rm -f "$directory"/{out,err,status,console}
    mkfifo "$directory/out" "$directory/err"
    cat "$directory/out" & readers+=($!)
    cat "$directory/err" >&2 & readers+=($!)
    # Whatever ends this script ends the guest.
    setpriv --pdeathsig TERM timeout --foreground "${LVSD_LAB_TIMEOUT:-3000}" qemu-system-x86_64 \
        -accel "$accelerator" -cpu $cpu -smp 2 -m "${LVSD_LAB_MEMORY:-3072}" \
        -nodefaults -no-user-config -display none -no-reboot -nic "$forward" \
        -kernel "$KERNEL" -initrd "$INITRD" \
        -append "console=ttyS0 quiet panic=-1 mitigations=off lvsd.run=$directory lvsd.modules=$MODULES" \
        -chardev file,id=console,path="$directory/console" -serial chardev:console \
        -fsdev local,id=host,path=/,security_model=none,readonly=on,multidevs=remap \
        -device virtio-9p-pci,fsdev=host,mount_tag=host \
        -device virtio-rng-pci -device virtio-serial-pci \
        -chardev file,id=out,path="$directory/out" -device virtserialport,chardev=out,name=out \
        -chardev file,id=err,path="$directory/err" -device virtserialport,chardev=err,name=err \
        -chardev file,id=status,path="$directory/status" -device virtserialport,chardev=status,name=status \
        </dev/null >"$directory/qemu" 2>&1 || cat "$directory/qemu" >>"$directory/console"
    # A guest that never came up never opened the pipes: let the readers end.
    : 1<>"$directory/out" 1<>"$directory/err"
    wait "${readers[@]}" 2>/dev/null || true
}
