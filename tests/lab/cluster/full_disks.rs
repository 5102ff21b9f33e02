//! Directors whose disks are full.

use std::fs::{self, File};
use std::io::Write;
use std::path::PathBuf;

use lvsd::snapshot::cluster::Cib;
use nix::mount::{MntFlags, MsFlags, mount, umount2};

use super::farm::{CLUSTER, Farm, NAMES, VIPS, config};
use crate::network::Node;
use crate::patience::until;

/// A small disk, gone with its value.
struct Disk(PathBuf);

impl Disk {
    fn new(node: &Node) -> Self {
        let path = node.directory().join("state");
        fs::create_dir(&path).expect("a directory");
        let size = Some("size=256k");
        mount(Some("disk"), &path, Some("tmpfs"), MsFlags::empty(), size).expect("a file system");
        Self(path)
    }

    /// Leaves no space at all.
    fn fill(&self) {
        let mut ballast = File::create(self.ballast()).expect("a file");
        while ballast.write_all(&[0; 4096]).is_ok() {}
    }

    fn make_space(&self) {
        fs::remove_file(self.ballast()).expect("it was full");
    }

    fn ballast(&self) -> PathBuf {
        self.0.join("ballast")
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // The daemon that has files there may outlive this.
        let _ = umount2(&self.0, MntFlags::MNT_DETACH);
    }
}

fn cib(farm: &Farm, index: usize) -> Cib {
    farm.status(index).cluster.expect("a cluster").cib
}

fn standby(farm: &Farm, index: usize, node: usize, word: &str) -> (bool, String) {
    let output = farm.directors[index].lvsd(["node", word, NAMES[node]]);
    let said = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8_lossy(&said).into_owned())
}

fn complains(farm: &Farm, index: usize, what: &str) -> bool {
    farm.status(index).problems.iter().any(|problem| problem.what.contains(what))
}

#[test]
fn one_full_disk_is_a_problem_and_those_of_a_majority_leave_all_as_it_was() {
    let mut farm = Farm::alone();
    let disks: Vec<Disk> = farm.nodes.iter().map(Disk::new).collect();
    farm.prepare(NAMES.len(), &config(CLUSTER, VIPS));
    for (director, disk) in farm.directors.iter_mut().zip(&disks) {
        director.set("STATE_DIRECTORY", &disk.0);
    }
    farm.launch();
    farm.until_settled();
    let dc = farm.until_dc(&[0, 1, 2]);
    let [full, other] = [1, 2].map(|step| (dc + step) % NAMES.len());
    let before = cib(&farm, full);
    assert!((0..3).all(|index| cib(&farm, index).digest == before.digest));

    // One: the others change it, and it says why it does not follow.
    disks[full].fill();
    let (done, said) = standby(&farm, other, 2, "standby");
    assert!(done, "{said}");
    until("both have it", || [dc, other].iter().all(|index| cib(&farm, *index).version != before.version));
    until("it says so", || {
        complains(&farm, full, "cannot be written") && complains(&farm, full, "No space left")
    });
    assert!(farm.has_told(full, "state_error", "No space left on device"));
    until("the others see it", || {
        [dc, other].iter().all(|index| complains(&farm, *index, "its document is"))
    });
    assert_eq!(cib(&farm, full).digest, before.digest);
    let changed = cib(&farm, dc);

    // Two: nothing changes, and nothing moves.
    disks[other].fill();
    let (done, said) = standby(&farm, dc, 0, "standby");
    println!("of full disks an operator is told: {said}");
    assert!(!done && said.contains("no majority has confirmed it"), "{said}");
    assert_eq!([dc, other].map(|index| cib(&farm, index).digest), [changed.digest.clone(), changed.digest]);
    assert_eq!(cib(&farm, full).digest, before.digest);
    assert_eq!(farm.owners(), [0]);

    // What was asked for comes about once there is space, as it was said, and all follow what is said then.
    for index in [full, other] {
        disks[index].make_space();
    }
    until("it goes elsewhere", || !farm.carries(0) && farm.owners().len() == 1);
    let (done, said) = standby(&farm, full, 0, "online");
    assert!(done, "{said}");
    farm.until_owner(0);
    until("all have the same", || {
        let all = [0, 1, 2].map(|index| cib(&farm, index).digest);
        all.iter().all(|digest| *digest == all[0])
    });
    let well =
        |index| !["its document is", "cannot be written"].iter().any(|what| complains(&farm, index, what));
    until("nobody complains", || (0..3).all(well));
}
