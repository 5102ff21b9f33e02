use super::*;

#[test]
fn directors_are_looked_for_on_every_interface_at_once_and_every_minute() {
    let mut neighbours = neighbours();
    neighbours.set_directors([address(2), address(3)].into());
    let story = run(&mut neighbours, 5000, 70_000, silence);
    let ask = |time, index, mac, last| (time, index, Arp::probe(mac, address(last)));
    let expected: Vec<_> = [5000, 65_000]
        .into_iter()
        .flat_map(|time| {
            [
                ask(time, 1, OURS, 2),
                ask(time, 1, OURS, 3),
                ask(time, 2, OUR_OTHER, 2),
                ask(time, 2, OUR_OTHER, 3),
            ]
        })
        .collect();
    assert_eq!(story, Story { sent: expected, seen: vec![] });
}

#[test]
fn they_are_looked_for_again_when_interfaces_change() {
    let mut neighbours = neighbours();
    neighbours.set_directors([address(2)].into());
    assert_eq!(run(&mut neighbours, 0, 60_000, silence).sent.len(), 2);
    watch(&mut neighbours, &[("eth0", 1, OURS), ("eth1", 2, OUR_OTHER)]);
    assert_eq!(run(&mut neighbours, 100, 60_000, silence).sent.len(), 0, "nothing changed");
    watch(&mut neighbours, &[("eth0", 7, OURS)]);
    let sent = run(&mut neighbours, 200, 60_000, silence).sent;
    assert_eq!(sent, [(200, 7, Arp::probe(OURS, address(2)))]);
    watch(&mut neighbours, &[]);
    assert_eq!(neighbours.poll_timeout(), None, "nobody can be asked");
}

#[test]
fn whoever_speaks_for_a_director_is_one_until_another_does() {
    let mut neighbours = neighbours();
    neighbours.set_directors([address(2)].into());
    let knows = |neighbours: &Neighbours| [DIRECTOR, STRANGER].map(|mac| neighbours.directors.know(mac));
    for frame in [claim(STRANGER, address(3)), Arp::probe(STRANGER, address(2)), claim(OURS, address(2))] {
        neighbours.hear(at(0), &on("eth0"), &frame);
        assert_eq!(knows(&neighbours), [false, false], "{frame:?}");
    }
    neighbours.hear(at(0), &on("eth0"), &Arp::question(DIRECTOR, address(2), address(9)));
    assert_eq!(knows(&neighbours), [true, false]);
    neighbours.hear(at(1), &on("eth0"), &reply(STRANGER, address(2), OURS, Ipv4Addr::UNSPECIFIED));
    assert_eq!(knows(&neighbours), [false, true], "its interface was replaced");
    neighbours.set_directors([address(2), address(3)].into());
    assert_eq!(knows(&neighbours), [false, true]);
    neighbours.set_directors([address(3)].into());
    assert_eq!(knows(&neighbours), [false, false]);
}
