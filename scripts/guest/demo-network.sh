# The demo's network: one namespace for each machine, and one with the switches.
#
#   client 192.168.4.100 --- 192.168.4.1 router 192.168.71.1 ---+
#                                                               |
#        apache1 ... apache6    192.168.71.220 ... 225  eth0 ---+   switch: lan
#                                                               |
#        litsha21, 22, 23       192.168.71.21, 22, 23   eth0 ---+
#                               192.168.68.201, 202, 203  eth1 ----- switch: beat
#                               10.0.2.21, 22, 23         eth2 ----- switch: ops, to this machine's loopback
#
# By NAT the realservers' gateway is the virtual address, 192.168.71.205, which moves with its owner.

DIRECTORS="litsha21 litsha22 litsha23"

on() { ip netns exec "$@"; }

# The ports of switches are named MACHINE-SWITCH.
plug() { # MACHINE INTERFACE SWITCH ADDRESS
    printf '%s\n' "link add $1-$3 type veth peer name $2 netns $1" "link set $1-$3 master $3 up" |
        ip -n switch -batch -
    printf '%s\n' "link set lo up" "link set $2 up" "address add $4 dev $2" | ip -n "$1" -batch -
}

build_network() {
    local number name
    for name in switch client router $DIRECTORS apache{1..6}; do echo "netns add $name"; done | ip -batch -
    for name in lan beat ops; do
        printf '%s\n' "link add $name type bridge" "link set $name up"
    done | ip -n switch -batch -
    # The guest's own interface leads to the operators.
    modprobe virtio_net
    ip link set eth0 netns switch
    ip -n switch link set eth0 master ops up

    ip link add eth0 netns client type veth peer name eth0 netns router
    printf '%s\n' "link set eth0 up" "address add 192.168.4.1/24 dev eth0" | ip -n router -batch -
    printf '%s\n' "link set eth0 up" "address add 192.168.4.100/24 dev eth0" "route add default via 192.168.4.1" |
        ip -n client -batch -
    plug router eth1 lan 192.168.71.1/24
    on router sysctl -q -w net.ipv4.ip_forward=1
    for number in 1 2 3; do
        name=litsha2$number
        plug $name eth0 lan "192.168.71.2$number/24"
        plug $name eth1 beat "192.168.68.20$number/24"
        plug $name eth2 ops "10.0.2.2$number/24"
        ip -n $name route add default via 192.168.71.1
        on $name sysctl -q -w net.ipv4.conf.all.send_redirects=0
    done
    for number in 1 2 3 4 5 6; do
        plug "apache$number" eth0 lan "192.168.71.$((219 + number))/24"
        ip -n "apache$number" route add default via 192.168.71.205
    done
}

# cut_off DIRECTOR: takes its cables from the switches. Its interfaces keep their carrier, so it has to find out by
# itself.
cut_off() {
    local switch
    for switch in lan beat; do ip -n switch link set "$1-$switch" nomaster; done
}

reconnect() {
    local switch
    for switch in lan beat; do ip -n switch link set "$1-$switch" master $switch; done
}
