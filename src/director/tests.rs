//! The director against a kernel made of values: what it does, and that chance cannot confuse it.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use ipvs::{Destination, Endpoint, Forward, Op, ServiceId, Table, Weight};
use proptest::prelude::*;
use tempfile::TempDir;

use super::*;
use crate::kernel::fake::Fake;
use crate::kernel::{self};
use crate::serving::Decisions;

/// Realservers by service: service `n` is 192.0.2.n:80, realserver `n` is 10.0.0.n.
type Services<'a> = &'a [(u8, &'a [u8])];

fn file(services: Services<'_>) -> String {
    let mut text =
        "[[vip]]\nname = \"vip\"\naddresses = [\"192.0.2.200/24\"]\ninterface = \"eth0\"\n".to_owned();
    for (service, realservers) in services {
        let list: Vec<_> = realservers.iter().map(|it| format!("\"10.0.0.{it}\"")).collect();
        writeln!(
            text,
            "[[service]]\nname = \"s{service}\"\naddress = \"192.0.2.{service}\"\nport = 80\nscheduler = \"rr\"\n\
             forward = \"nat\"\nmonitor = \"none\"\nrealservers = [{}]",
            list.join(", ")
        )
        .unwrap();
    }
    text
}

/// A director's surroundings: they outlive it, as the kernel and the disk outlive the daemon.
struct Machine {
    directory: TempDir,
    kernel: Fake,
    events: Events,
}

impl Machine {
    fn new() -> Self {
        Self { directory: tempfile::tempdir().unwrap(), kernel: Fake::default(), events: Events::default() }
    }

    fn path(&self) -> PathBuf {
        self.directory.path().join("lvsd.toml")
    }

    fn store(&self) -> Store {
        Store::open(self.directory.path()).unwrap()
    }

    fn surroundings(&self) -> Surroundings {
        Surroundings {
            store: self.store(),
            kernel: kernel::start(self.kernel.clone()).unwrap(),
            events: self.events.clone(),
            watch: Watch::silent(),
            node: "lb1".to_owned(),
            adopt: false,
            cluster: None,
            rules: Keeper::start(crate::snat::fake::Fake::default()).unwrap(),
        }
    }

    async fn start(&self, services: Services<'_>) -> Result<Director, Refusal> {
        std::fs::write(self.path(), file(services)).unwrap();
        let config = Config::load(&self.path()).unwrap();
        Director::start(config, self.surroundings()).await
    }

    async fn reload(
        &self,
        director: &mut Director,
        services: Services<'_>,
        cut: bool,
    ) -> Result<String, Refusal> {
        std::fs::write(self.path(), file(services)).unwrap();
        director.reload(cut).await
    }

    fn table(&self) -> Table {
        self.kernel.world().actual.table.clone()
    }

    fn kinds(&self) -> Vec<Kind> {
        self.events.since(0).iter().map(|event| event.kind).collect()
    }
}

fn id(service: u8) -> ServiceId {
    format!("tcp 192.0.2.{service}:80").parse().unwrap()
}

fn realserver(number: u8) -> Endpoint {
    format!("10.0.0.{number}:80").parse().unwrap()
}

fn desired_table(services: Services<'_>) -> Table {
    let config = Config::parse(Path::new("lvsd.toml"), file(services).as_bytes()).unwrap();
    desired(&config, &BTreeSet::new(), &Decisions::new()).table
}

#[tokio::test]
async fn a_start_fills_the_kernel_and_a_second_one_writes_nothing() {
    let machine = Machine::new();
    drop(machine.start(&[(1, &[1, 2])]).await.unwrap());
    assert_eq!(machine.table(), desired_table(&[(1, &[1, 2])]));
    let writes = machine.kernel.world().writes;
    drop(machine.start(&[(1, &[1, 2])]).await.unwrap());
    assert_eq!(machine.kernel.world().writes, writes);
}

#[tokio::test]
async fn what_changes_while_a_change_is_mended_is_mended_as_well() {
    let machine = Machine::new();
    let mut director = machine.start(&[(1, &[1, 2])]).await.unwrap();
    let before = machine.kernel.world().actual.clone();
    machine.kernel.world().actual.table.clear();
    machine.kernel.world().intruder = Some(|actual| actual.addresses.clear());
    director.hear().await;
    assert_eq!(machine.kernel.world().actual, before);
    let repaired = machine.kinds().into_iter().filter(|kind| *kind == Kind::DriftRepaired).count();
    assert_eq!(repaired, 2);
}

#[tokio::test]
async fn a_part_that_the_kernel_refuses_takes_the_rest_back() {
    let machine = Machine::new();
    let mut director = machine.start(&[(1, &[1])]).await.unwrap();
    machine.kernel.world().lacks.insert("rr".into());
    let before = machine.kernel.world().actual.clone();
    let refusal = machine.reload(&mut director, &[(1, &[2]), (2, &[1])], false).await.unwrap_err();
    assert!(refusal.to_string().contains("tcp 192.0.2.2:80"), "{refusal}");
    assert_eq!(machine.kernel.world().actual, before);

    machine.kernel.world().lacks.clear();
    director.hear().await;
    assert_eq!(machine.kernel.world().actual, before, "and the old configuration stays in force");
    assert_eq!(machine.kinds(), [Kind::Applied, Kind::Refused]);
}

#[tokio::test]
async fn a_start_that_fails_leaves_the_kernel_as_it_was() {
    let machine = Machine::new();
    machine.kernel.world().lacks.insert("rr".into());
    assert!(machine.start(&[(1, &[1])]).await.is_err());
    let world = machine.kernel.world();
    assert_eq!(world.actual.table, Table::new());
    assert!(world.actual.addresses.is_empty());
    assert_eq!(world.actual.sysctls.get(&Sysctl::Ipv4Forward), Some(&false));
    drop(world);
    assert_eq!(machine.store().load().unwrap(), Found::State(State::default()));
}

#[tokio::test]
async fn somebody_elses_service_is_refused_unless_it_is_what_the_file_says() {
    for (name, present, refused) in [("equal", vec![1], false), ("different", vec![2], true)] {
        let machine = Machine::new();
        machine.kernel.world().actual.table = desired_table(&[(1, &present)]);
        let outcome = machine.start(&[(1, &[1])]).await;
        assert_eq!(matches!(outcome, Err(Refusal::Foreign(_))), refused, "{name}");
        assert_eq!(machine.kernel.world().actual.table, desired_table(&[(1, &present)]), "{name}");
    }
}

#[tokio::test]
async fn drift_is_mended_and_told_once() {
    let machine = Machine::new();
    let mut director = machine.start(&[(1, &[1, 2])]).await.unwrap();
    machine.kernel.world().actual.table.clear();
    director.hear().await;
    director.hear().await;
    assert_eq!(machine.table(), desired_table(&[(1, &[1, 2])]));
    assert_eq!(machine.kinds(), [Kind::Applied, Kind::DriftRepaired]);
}

#[tokio::test]
async fn a_kernel_that_hides_is_told_once_and_tried_again() {
    let machine = Machine::new();
    let mut director = machine.start(&[(1, &[1])]).await.unwrap();
    machine.kernel.world().actual.table.clear();
    machine.kernel.world().blind = 3;
    for _ in 0..3 {
        director.hear().await;
    }
    assert!(director.retry.is_some());
    director.keep_time(Instant::now() + RETRY).await;
    assert_eq!(machine.table(), desired_table(&[(1, &[1])]));
    assert_eq!(machine.kinds(), [Kind::Applied, Kind::KernelError, Kind::KernelRecovered]);
}

#[tokio::test]
async fn a_drain_survives_a_crash_and_ends() {
    let machine = Machine::new();
    let mut director = machine.start(&[(1, &[1, 2])]).await.unwrap();
    machine.kernel.world().actual.connections.insert((id(1), realserver(2)), 1);
    machine.reload(&mut director, &[(1, &[1])], false).await.unwrap();
    drop(director);
    let mut director = machine.start(&[(1, &[1])]).await.unwrap();
    let weight =
        |machine: &Machine| machine.table()[&id(1)].destinations.get(&realserver(2)).map(|it| it.weight);
    assert_eq!(weight(&machine), Some(Weight::QUIESCED));

    machine.kernel.world().actual.connections.clear();
    director.keep_time(Instant::now() + DRAIN_CHECK).await;
    assert_eq!(weight(&machine), None);
    let story = [Kind::Applied, Kind::DrainStarted, Kind::Applied, Kind::Applied, Kind::DrainEnded];
    assert_eq!(machine.kinds(), story);
}

#[tokio::test]
async fn the_end_of_a_drain_is_no_drift_whoever_sees_it_first() {
    let machine = Machine::new();
    let mut director = machine.start(&[(1, &[1, 2]), (2, &[1])]).await.unwrap();
    for connection in [(id(1), realserver(2)), (id(2), realserver(1))] {
        machine.kernel.world().actual.connections.insert(connection, 1);
    }
    machine.reload(&mut director, &[(1, &[1])], false).await.unwrap();
    machine.kernel.world().actual.connections.clear();
    director.hear().await;
    assert_eq!(machine.table(), desired_table(&[(1, &[1])]));
    let told = machine.kinds();
    assert!(!told.contains(&Kind::DriftRepaired), "{told:?}");
    assert_eq!(told.iter().filter(|kind| **kind == Kind::DrainEnded).count(), 2);
}

#[tokio::test]
async fn drift_is_told_when_a_look_at_a_drain_sees_it_first() {
    let machine = Machine::new();
    let mut director = machine.start(&[(1, &[1, 2])]).await.unwrap();
    machine.kernel.world().actual.connections.insert((id(1), realserver(2)), 1);
    machine.reload(&mut director, &[(1, &[1])], false).await.unwrap();

    let weight = |machine: &Machine| machine.table()[&id(1)].destinations[&realserver(2)].weight;
    if let Some(bound) = machine.kernel.world().actual.table.get_mut(&id(1)) {
        bound.destinations.insert(realserver(2), Destination::new(Forward::Masquerade));
    }
    assert_eq!(weight(&machine), Weight::ONE);
    director.keep_time(Instant::now() + DRAIN_CHECK).await;
    assert_eq!(weight(&machine), Weight::QUIESCED);
    assert_eq!(machine.kinds().last(), Some(&Kind::DriftRepaired));
}

#[tokio::test]
async fn a_cut_is_told_as_an_end_only() {
    let machine = Machine::new();
    let mut director = machine.start(&[(1, &[1, 2])]).await.unwrap();
    machine.kernel.world().actual.connections.insert((id(1), realserver(2)), 1);
    machine.reload(&mut director, &[(1, &[1])], true).await.unwrap();
    assert_eq!(machine.table(), desired_table(&[(1, &[1])]));
    assert!(!machine.kinds().contains(&Kind::DrainStarted));
}

#[tokio::test]
async fn a_release_leaves_nothing_but_what_others_made() {
    let machine = Machine::new();
    let foreign = desired_table(&[(9, &[1])]);
    machine.kernel.world().actual.table.clone_from(&foreign);
    let before = machine.kernel.world().actual.clone();
    let mut director = machine.start(&[(1, &[1, 2]), (2, &[1])]).await.unwrap();
    director.release().await.unwrap();
    let mut after = machine.kernel.world().actual.clone();
    assert_eq!(after.sysctls.remove(&Sysctl::Ipv4Forward), Some(false));
    after.sysctls.clear();
    assert_eq!(after, before);
    drop(director);
    assert_eq!(machine.store().load().unwrap(), Found::State(State::default()));
}

#[tokio::test]
async fn a_new_address_is_announced_and_an_old_one_is_not() {
    let machine = Machine::new();
    let mut director = machine.start(&[]).await.unwrap();
    director.keep_time(Instant::now()).await;
    assert_eq!(machine.kernel.world().announced.len(), 1);
    drop(director);
    let mut director = machine.start(&[]).await.unwrap();
    director.keep_time(Instant::now()).await;
    assert_eq!(machine.kernel.world().announced.len(), 1);
}

/// Something that happens to a director.
#[derive(Clone, Debug)]
enum Happening {
    /// The operator changes the file: which realservers each of three services has, none for no service.
    Reload { services: [u8; 3], cut: bool },
    /// Somebody else changes the table.
    Meddle(Vec<Meddling>),
    /// The daemon is killed and started again.
    Crash,
    /// Connections end, or begin where the kernel lets them.
    Connect(Vec<(u8, u8)>),
    /// The kernel cannot be read for a while.
    Hide,
    /// Time passes.
    Wait,
}

#[derive(Clone, Debug)]
enum Meddling {
    Flush,
    DeleteService(u8),
    DeleteDestination(u8, u8),
    SetDestination(u8, u8, u32),
}

fn meddling() -> impl Strategy<Value = Meddling> {
    prop_oneof![
        Just(Meddling::Flush),
        (1..4_u8).prop_map(Meddling::DeleteService),
        (1..4_u8, 1..4_u8).prop_map(|(service, it)| Meddling::DeleteDestination(service, it)),
        (1..4_u8, 1..6_u8, 0..9_u32)
            .prop_map(|(service, it, weight)| Meddling::SetDestination(service, it, weight)),
    ]
}

fn happening() -> impl Strategy<Value = Happening> {
    prop_oneof![
        3 => (prop::array::uniform3(0..8_u8), any::<bool>())
            .prop_map(|(services, cut)| Happening::Reload { services, cut }),
        3 => prop::collection::vec(meddling(), 1..4).prop_map(Happening::Meddle),
        1 => Just(Happening::Crash),
        2 => prop::collection::vec((1..4_u8, 1..4_u8), 0..4).prop_map(Happening::Connect),
        1 => Just(Happening::Hide),
        2 => Just(Happening::Wait),
    ]
}

/// Realserver sets as bits: 0b101 is realservers 1 and 3.
fn members(services: [u8; 3]) -> Vec<(u8, Vec<u8>)> {
    let realservers = |bits: u8| (1..4).filter(|it| bits & (1 << (it - 1)) != 0).collect::<Vec<_>>();
    (1..4)
        .zip(services)
        .filter(|(_, bits)| *bits != 0)
        .map(|(service, bits)| (service, realservers(bits)))
        .collect()
}

fn meddle(table: &mut Table, meddlings: &[Meddling]) {
    for meddling in meddlings {
        let op = match *meddling {
            Meddling::Flush => {
                table.retain(|it, _| *it == id(9));
                continue;
            }
            Meddling::DeleteService(service) => Op::DeleteService(id(service)),
            Meddling::DeleteDestination(service, it) => {
                Op::DeleteDestination { service: id(service), endpoint: realserver(it) }
            }
            Meddling::SetDestination(service, it, weight) => {
                let destination =
                    Destination { weight: Weight::new(weight).unwrap(), ..Destination::new(Forward::Route) };
                if let Some(bound) = table.get_mut(&id(service)) {
                    bound.destinations.insert(realserver(it), destination);
                }
                continue;
            }
        };
        // What is not there cannot be meddled with.
        let _ = ipvs::apply(table, &op);
    }
}

fn live_through(happenings: &[Happening]) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let machine = Machine::new();
        let foreign = desired_table(&[(9, &[1])]);
        machine.kernel.world().actual.table.clone_from(&foreign);
        let mut wanted = Vec::new();
        let mut director = machine.start(&[]).await.unwrap();
        for happening in happenings {
            match happening {
                Happening::Reload { services, cut } => {
                    wanted = members(*services);
                    let borrowed: Vec<_> = wanted.iter().map(|(it, list)| (*it, list.as_slice())).collect();
                    machine.reload(&mut director, &borrowed, *cut).await.unwrap();
                }
                Happening::Meddle(meddlings) => meddle(&mut machine.kernel.world().actual.table, meddlings),
                Happening::Crash => {
                    drop(director);
                    let borrowed: Vec<_> = wanted.iter().map(|(it, list)| (*it, list.as_slice())).collect();
                    director = machine.start(&borrowed).await.unwrap();
                }
                Happening::Connect(connections) => {
                    let mut world = machine.kernel.world();
                    let table = world.actual.table.clone();
                    let exists = |(service, it): &(u8, u8)| {
                        table
                            .get(&id(*service))
                            .is_some_and(|bound| bound.destinations.contains_key(&realserver(*it)))
                    };
                    let keys = connections.iter().filter(|it| exists(it));
                    world.actual.connections =
                        keys.map(|(service, it)| ((id(*service), realserver(*it)), 1)).collect();
                }
                Happening::Hide => {
                    machine.kernel.world().blind = 1;
                    director.hear().await;
                }
                Happening::Wait => director.keep_time(Instant::now() + RETRY).await,
            }
            director.hear().await;

            let table = machine.table();
            assert_eq!(table.get(&id(9)), foreign.get(&id(9)), "another's service was touched");
            for (service, bound) in
                desired_table(&wanted.iter().map(|(it, list)| (*it, list.as_slice())).collect::<Vec<_>>())
            {
                let present = table.get(&service).expect("a service of the file is in the kernel");
                for (endpoint, destination) in &bound.destinations {
                    assert_eq!(present.destinations.get(endpoint), Some(destination), "{service} {endpoint}");
                }
                let others =
                    present.destinations.iter().filter(|(it, _)| !bound.destinations.contains_key(it));
                for (endpoint, destination) in others {
                    assert_eq!(
                        destination.weight,
                        Weight::QUIESCED,
                        "{service} {endpoint} is not in the file"
                    );
                }
            }
        }
        machine.kernel.world().actual.connections.clear();
        for _ in 0..3 {
            director.keep_time(Instant::now() + RETRY).await;
        }
        let mut expected =
            desired_table(&wanted.iter().map(|(it, list)| (*it, list.as_slice())).collect::<Vec<_>>());
        expected.extend(foreign);
        assert_eq!(machine.table(), expected, "all drains have ended");
    });
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_happens_the_kernel_holds_what_the_file_says(happenings in prop::collection::vec(happening(), 1..24)) {
        live_through(&happenings);
    }
}
