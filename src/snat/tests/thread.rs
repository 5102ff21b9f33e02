//! The thread.

use std::collections::BTreeSet;

use failover::VipId;

use super::catalogue;
use crate::snat::fake::Fake;
use crate::snat::{Catalogue, Keeper, Outcome, Present, Told, Touched};

fn present(fake: &Fake) -> Vec<Present> {
    fake.world().present.clone()
}

fn of(keeper: &Keeper, vip: &str) -> bool {
    keeper.rules.of(VipId::of(vip)).1
}

#[tokio::test]
async fn what_an_earlier_life_left_stays_until_somebody_says_what_is_wanted() {
    let fake = Fake::default();
    let left = Present { tag: "vip gone 00000000".into(), text: "snat ip to 192.0.2.9".into() };
    fake.world().present = vec![left];
    let keeper = Keeper::start(fake.clone()).unwrap();
    assert_eq!(keeper.rules.enter(VipId::of("web")), None);
    keeper.rules.leave(VipId::of("web"));
    assert_eq!(fake.world().present.len(), 1);
    let ticket = keeper.rules.want(Catalogue::default());
    keeper.rules.settled(ticket).await.unwrap();
    assert_eq!(present(&fake), []);
    drop(keeper);
    assert!(fake.world().stale[0].former.contains(&"192.0.2.9".parse().unwrap()));
}

#[tokio::test]
async fn rules_of_a_vip_come_and_go_with_it() {
    let fake = Fake::default();
    let mut keeper = Keeper::start(fake.clone()).unwrap();
    let ticket = keeper.rules.want(catalogue());
    keeper.rules.settled(ticket).await.unwrap();
    assert!(!of(&keeper, "web"));
    assert_eq!(keeper.rules.enter(VipId::of("unknown")), None);
    assert_eq!(keeper.rules.outcome(ticket), Outcome::Done, "nothing changed");

    let ticket = keeper.rules.enter(VipId::of("web")).unwrap();
    keeper.rules.settled(ticket).await.unwrap();
    assert!(of(&keeper, "web") && !of(&keeper, "mail"));
    assert!(present(&fake).iter().any(|rule| rule.tag.starts_with("vip web ")));
    keeper.rules.leave(VipId::of("web"));
    let mut told = Vec::new();
    while told.iter().filter(|told| matches!(told, Told::Changed(_))).count() < 3 {
        told.extend(keeper.told.recv().await);
    }
    assert!(!told.iter().any(|told| matches!(told, Told::Failed(_) | Told::Repaired(_))), "{told:?}");
    assert!(!present(&fake).iter().any(|rule| rule.tag.starts_with("vip web ")));
}

#[tokio::test]
async fn what_cannot_be_done_is_told_once_leaves_the_old_state_and_is_tried_again() {
    let fake = Fake::default();
    let mut keeper = Keeper::start(fake.clone()).unwrap();
    let ticket = keeper.rules.want(catalogue());
    keeper.rules.settled(ticket).await.unwrap();
    let before = present(&fake);
    fake.world().refuses = Some("no".into());
    let ticket = keeper.rules.enter(VipId::of("web")).unwrap();
    assert_eq!(keeper.rules.settled(ticket).await, Err("nft: no".to_owned()));
    assert_eq!(keeper.rules.outcome(ticket), Outcome::Failed("nft: no".to_owned()));
    assert_eq!(present(&fake), before);
    assert_eq!(keeper.rules.trouble().unwrap().what, "nft: no");
    fake.world().refuses = None;
    let mut told = Vec::new();
    while !matches!(told.last(), Some(Told::Recovered)) {
        told.extend(keeper.told.recv().await);
    }
    assert_eq!(told.iter().filter(|told| matches!(told, Told::Failed(_))).count(), 1);
    assert_eq!((keeper.rules.outcome(ticket), keeper.rules.trouble()), (Outcome::Done, None));
}

#[tokio::test]
async fn a_machine_without_the_program_has_no_rules_and_needs_none() {
    let fake = Fake::default();
    fake.world().missing = true;
    let keeper = Keeper::start(fake.clone()).unwrap();
    let ticket = keeper.rules.want(Catalogue::default());
    keeper.rules.settled(ticket).await.unwrap();
    let ticket = keeper.rules.want(catalogue());
    let why = keeper.rules.settled(ticket).await.unwrap_err();
    assert!(why.contains("install the package nftables"), "{why}");
}

#[tokio::test]
async fn what_somebody_flushes_is_put_back() {
    let fake = Fake::default();
    let mut keeper = Keeper::start(fake.clone()).unwrap();
    let ticket = keeper.rules.want(catalogue());
    keeper.rules.settled(ticket).await.unwrap();
    let before = present(&fake);
    fake.world().present.clear();
    fake.world().touched = Touched::Gone;
    // As the kernel's notice does.
    assert!(keeper.rules.enter(VipId::of("web")).is_some());
    keeper.rules.leave(VipId::of("web"));
    let mut told = None;
    while !matches!(told, Some(Told::Repaired(_) | Told::Changed(_))) || present(&fake) != before {
        told = keeper.told.recv().await;
    }
}

#[tokio::test]
async fn a_vip_that_is_here_gets_the_rules_that_a_later_file_gives_it() {
    let fake = Fake::default();
    let keeper = Keeper::start(fake.clone()).unwrap();
    let ticket = keeper.rules.want(Catalogue::default());
    keeper.rules.settled(ticket).await.unwrap();
    assert_eq!(keeper.rules.enter(VipId::of("web")), None);
    let ticket = keeper.rules.want(catalogue());
    keeper.rules.settled(ticket).await.unwrap();
    assert!(of(&keeper, "web"));
    keeper.rules.leave_all();
    let ticket = keeper.rules.want(catalogue());
    keeper.rules.settled(ticket).await.unwrap();
    assert!(!of(&keeper, "web"));
}

#[tokio::test]
async fn what_is_wanted_and_there_already_is_never_written_however_the_thread_runs() {
    let wanted = catalogue();
    for _ in 0..1000 {
        let fake = Fake::restless();
        fake.world().present = wanted.rules(&BTreeSet::new()).iter().map(Present::from).collect();
        fake.world().touched = Touched::Changed;
        let keeper = Keeper::start(fake.clone()).unwrap();
        while fake.world().touched != Touched::No {
            tokio::task::yield_now().await;
        }
        let ticket = keeper.rules.want(wanted.clone());
        keeper.rules.settled(ticket).await.unwrap();
        assert_eq!(fake.world().writes, 0);
    }
}
