//! The worked examples of the papers and the lecture notes through the command line,
//! and a ring of a thousand nodes against a second computation that shares nothing
//! with the first: SHA-1, byte arrays, and the paper's pseudocode read literally.

#![allow(clippy::unwrap_used, reason = "a test that cannot set itself up has failed")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use assert_cmd::assert::OutputAssertExt;
use assert_cmd::cargo::cargo_bin;
use dhtsim::experiment::{RouteKey, route};
use dhtsim::scenario::{Overrides, load};
use serde_json::{Value, json};
use sha1::{Digest, Sha1};
use tempfile::TempDir;

fn scenario(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios").join(name)
}

/// The JSON that a command of `dhtsim` prints.
fn dhtsim(command: &str, file: &Path, more: &[&str]) -> Value {
    let mut dhtsim = Command::new(cargo_bin!("dhtsim"));
    dhtsim.arg(command).arg(file).arg("--json").args(more);
    let assert = dhtsim.assert().code(0).stderr("");
    serde_json::from_slice(&assert.get_output().stdout).unwrap()
}

fn ring(file: &Path, more: &[&str]) -> Value {
    dhtsim("ring", file, more)
}

/// The way of a lookup: its path, its owner and its number of hops.
fn way(file: &Path, from: &str, key: &str, more: &[&str]) -> Value {
    let arguments = [&["--from", from, "--id", key], more].concat();
    let route = dhtsim("route", file, &arguments);
    assert_eq!(route["key"], key);
    json!([route["path"], route["owner"], route["hops"]])
}

fn owner(file: &Path, from: &str, key: &str, more: &[&str]) -> Value {
    way(file, from, key, more)[1].clone()
}

/// The fingers of the node with this identifier, as (start, node).
fn fingers(ring: &Value, id: &str) -> Value {
    let nodes = ring["nodes"].as_array().unwrap();
    let node = nodes.iter().find(|node| node["id"] == id).unwrap();
    let fingers = node["fingers"].as_array().unwrap().iter();
    fingers.map(|finger| json!([finger["start"], finger["node"]])).collect()
}

mod the_ring_of_three {
    use super::*;

    #[test]
    fn has_the_fingers_of_the_notes() {
        let ring = ring(&scenario("notes-ring.json"), &[]);
        assert_eq!(fingers(&ring, "0"), json!([["1", "1"], ["2", "3"], ["4", "0"]]));
        assert_eq!(fingers(&ring, "1"), json!([["2", "3"], ["3", "3"], ["5", "0"]]));
        assert_eq!(fingers(&ring, "3"), json!([["4", "0"], ["5", "0"], ["7", "0"]]));
    }

    #[test]
    fn finds_its_keys_from_everywhere() {
        let file = scenario("notes-ring.json");
        for from in ["0", "1", "2"] {
            for (key, node) in [("1", "1"), ("2", "3"), ("6", "0")] {
                assert_eq!(owner(&file, from, key, &[]), node, "key {key} from {from}");
            }
        }
    }

    #[test]
    fn gives_key_6_to_node_6_when_it_joins() {
        let file = scenario("notes-ring.json");
        let joined = ["--set", "population.ids=[0,1,3,6]"];
        let ring = ring(&file, &joined);
        assert_eq!(fingers(&ring, "0"), json!([["1", "1"], ["2", "3"], ["4", "6"]]));
        assert_eq!(fingers(&ring, "1"), json!([["2", "3"], ["3", "3"], ["5", "6"]]));
        assert_eq!(fingers(&ring, "3"), json!([["4", "6"], ["5", "6"], ["7", "0"]]));
        for (key, node) in [("1", "1"), ("2", "3"), ("6", "6"), ("7", "0")] {
            assert_eq!(owner(&file, "1", key, &joined), node, "key {key}");
        }
    }

    #[test]
    fn is_printed_with_exactly_the_fields_of_the_contract() {
        let file = scenario("notes-ring.json");
        let mut ring = ring(&file, &[]);
        for node in ring["nodes"].as_array_mut().unwrap() {
            let address = node.as_object_mut().unwrap().insert("address".into(), json!("a"));
            let address = address.unwrap();
            address.as_str().unwrap().parse::<std::net::SocketAddrV4>().unwrap();
        }
        let finger = |start: &str, node: &str| json!({"start": start, "node": node});
        let expected = json!({"id_bits": 3, "nodes": [
            {
                "index": 0, "address": "a", "id": "0", "predecessor": "3", "successors": ["1"],
                "fingers": [finger("1", "1"), finger("2", "3"), finger("4", "0")],
            },
            {
                "index": 1, "address": "a", "id": "1", "predecessor": "0", "successors": ["3"],
                "fingers": [finger("2", "3"), finger("3", "3"), finger("5", "0")],
            },
            {
                "index": 2, "address": "a", "id": "3", "predecessor": "1", "successors": ["0"],
                "fingers": [finger("4", "0"), finger("5", "0"), finger("7", "0")],
            },
        ]});
        assert_eq!(ring, expected);
        let route = dhtsim("route", &file, &["--from", "1", "--id", "6"]);
        let expected =
            json!({"key": "6", "from": "1", "path": ["1", "3"], "owner": "0", "hops": 1});
        assert_eq!(route, expected);
    }
}

mod the_ring_of_ten {
    use super::*;

    /// The ring of the papers' figures, in a file that is there as long as the ring.
    struct Ten {
        _folder: TempDir,
        file: PathBuf,
    }

    const NUMBERS: [u64; 10] = [1, 8, 14, 21, 32, 38, 42, 48, 51, 56];

    fn ten(style: &str) -> Ten {
        let folder = TempDir::new().unwrap();
        let file = folder.path().join("ten.json");
        let scenario = json!({
            "name": "ten",
            "id_bits": 6,
            "population": {"ids": NUMBERS},
            "overlay": {"chord": {"lookup": style}},
        });
        fs::write(&file, scenario.to_string()).unwrap();
        Ten { _folder: folder, file }
    }

    fn hex(number: u64) -> String {
        format!("{number:02x}")
    }

    #[test]
    fn has_the_fingers_of_node_8() {
        let ring = ring(&ten("iterative").file, &[]);
        let expected: Value = [(9, 14), (10, 14), (12, 14), (16, 21), (24, 32), (40, 42)]
            .map(|(start, node)| json!([hex(start), hex(node)]))
            .into_iter()
            .collect();
        assert_eq!(fingers(&ring, &hex(8)), expected);
        let order: Vec<_> = ring["nodes"].as_array().unwrap().iter().map(|n| &n["id"]).collect();
        assert_eq!(json!(order), json!(NUMBERS.map(hex)));
    }

    #[test]
    fn looks_54_up_from_8_by_way_of_42_and_51() {
        for style in ["iterative", "recursive", "semi_recursive"] {
            let ten = ten(style);
            let expected = json!([[hex(8), hex(42), hex(51)], hex(56), 2]);
            // A node is named by its index or by its identifier.
            for from in ["1", "08", "0x08"] {
                assert_eq!(way(&ten.file, from, &hex(54), &[]), expected, "{style}");
            }
        }
    }

    #[test]
    fn puts_its_keys_on_their_successors() {
        let ten = ten("iterative");
        for (key, node) in [(10, 14), (24, 32), (30, 32), (38, 38), (54, 56), (60, 1), (0, 1)] {
            for from in ["0", "4", "9"] {
                assert_eq!(owner(&ten.file, from, &hex(key), &[]), hex(node), "key {key}");
            }
        }
    }

    #[test]
    fn gives_key_24_to_node_26_when_it_joins() {
        let ten = ten("iterative");
        let joined = ["--set", "population.ids=[1,8,14,21,32,38,42,48,51,56,26]"];
        for (key, node) in [(24, 26), (26, 26), (30, 32), (21, 21)] {
            assert_eq!(owner(&ten.file, "1", &hex(key), &joined), hex(node), "key {key}");
        }
        // Node 8's fifth finger starts at 24.
        assert_eq!(fingers(&ring(&ten.file, &joined), &hex(8))[4], json!([hex(24), hex(26)]));
    }
}

/// Numbers modulo 2^160 as a reader of the paper would keep them: twenty bytes.
mod by_hand {
    use super::*;

    pub(super) type Number = [u8; 20];

    pub(super) fn sha1(text: &str) -> Number {
        Sha1::digest(text).into()
    }

    pub(super) fn hex(number: Number) -> String {
        number.iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
    }

    /// Schoolbook addition from the last byte on; the carry out of the first is dropped.
    pub(super) fn plus_power_of_two(mut number: Number, exponent: usize) -> Number {
        let mut place = 19 - exponent / 8;
        let mut carry = 1u16 << (exponent % 8);
        loop {
            let sum = u16::from(number[place]) + carry;
            number[place] = (sum & 0xff) as u8;
            carry = sum >> 8;
            if carry == 0 || place == 0 {
                return number;
            }
            place -= 1;
        }
    }

    /// Whether `x` lies in the ring interval (`a`, `b`), by walking through its cases.
    pub(super) fn is_in_open(x: Number, a: Number, b: Number) -> bool {
        match a.cmp(&b) {
            std::cmp::Ordering::Less => a < x && x < b,
            std::cmp::Ordering::Greater => x > a || x < b,
            std::cmp::Ordering::Equal => x != a,
        }
    }

    /// The first node at or after a point: the definition, by trying all.
    pub(super) fn successor(sorted: &[Number], point: Number) -> Number {
        *sorted.iter().find(|node| **node >= point).unwrap_or(&sorted[0])
    }

    /// A node as the paper draws it.
    pub(super) struct Node {
        pub(super) id: Number,
        pub(super) predecessor: Number,
        pub(super) fingers: Vec<Number>,
    }

    pub(super) fn nodes(sorted: &[Number]) -> Vec<Node> {
        let of = |(place, id): (usize, &Number)| Node {
            id: *id,
            predecessor: sorted[(place + sorted.len() - 1) % sorted.len()],
            fingers: (0..160).map(|i| successor(sorted, plus_power_of_two(*id, i))).collect(),
        };
        sorted.iter().enumerate().map(of).collect()
    }

    /// The paper's `find_successor`: the nodes that the lookup stands at, and the owner.
    pub(super) fn find_successor(
        nodes: &[Node],
        from: Number,
        key: Number,
    ) -> (Vec<Number>, Number) {
        let mut path = vec![from];
        loop {
            let here = *path.last().unwrap();
            let n = nodes.iter().find(|node| node.id == here).unwrap();
            let successor = n.fingers[0];
            if key == successor || is_in_open(key, n.id, successor) {
                return (path, successor);
            }
            let precedes = |finger: &&Number| is_in_open(**finger, n.id, key);
            path.push(*n.fingers.iter().rev().find(precedes).unwrap());
        }
    }
}

mod the_ring_of_a_thousand {
    use super::by_hand::{self, Number};
    use super::*;

    /// Identifiers from the addresses that the program prints, in ring order.
    fn sorted(ring: &Value) -> Vec<Number> {
        let address = |node: &Value| by_hand::sha1(node["address"].as_str().unwrap());
        let mut ids: Vec<Number> = ring["nodes"].as_array().unwrap().iter().map(address).collect();
        ids.sort_unstable();
        ids
    }

    #[test]
    fn is_what_a_reader_with_a_sha1_function_computes() {
        let ring = ring(&scenario("chord-1000.json"), &[]);
        let ids = sorted(&ring);
        assert_eq!(ids.len(), 1000);
        assert_eq!(ring["id_bits"], 160);
        let mut indices = Vec::new();
        for (shown, node) in ring["nodes"].as_array().unwrap().iter().zip(by_hand::nodes(&ids)) {
            let fingers = node.fingers.iter().enumerate().map(|(i, finger)| {
                let start = by_hand::plus_power_of_two(node.id, i);
                json!({"start": by_hand::hex(start), "node": by_hand::hex(*finger)})
            });
            let expected = json!({
                "index": shown["index"],
                "address": shown["address"],
                "id": by_hand::hex(node.id),
                "predecessor": by_hand::hex(node.predecessor),
                "successors": [by_hand::hex(node.fingers[0])],
                "fingers": fingers.collect::<Vec<_>>(),
            });
            assert_eq!(*shown, expected);
            assert_eq!(by_hand::sha1(shown["address"].as_str().unwrap()), node.id);
            indices.push(shown["index"].as_u64().unwrap());
        }
        indices.sort_unstable();
        assert_eq!(indices, (0..1000).collect::<Vec<_>>());
    }

    #[test]
    fn is_printed_the_same_every_time() {
        let file = scenario("chord-1000.json");
        assert_eq!(ring(&file, &[]), ring(&file, &[]));
        assert_ne!(ring(&file, &[]), ring(&file, &["--seed", "2"]));
    }

    #[test]
    fn is_crossed_on_the_ways_of_the_paper() {
        let file = scenario("chord-1000.json");
        let ring = ring(&file, &[]);
        let nodes = by_hand::nodes(&sorted(&ring));
        let setup = load(&file, &Overrides::default()).unwrap().base;
        let shown = ring["nodes"].as_array().unwrap();
        let mut longest = 0;
        for number in 0..50 {
            // A node that is neither near the last one nor always named the same way.
            let origin = &shown[number * 997 % 1000];
            let id = by_hand::sha1(origin["address"].as_str().unwrap());
            let from = match number % 3 {
                0 => origin["index"].to_string(),
                1 => origin["address"].as_str().unwrap().to_owned(),
                _ => origin["id"].as_str().unwrap().to_owned(),
            };
            let name = format!("key {number}.mp3");
            let key = by_hand::sha1(&name);
            let (path, owner) = by_hand::find_successor(&nodes, id, key);
            let path: Vec<String> = path.into_iter().map(by_hand::hex).collect();
            longest = longest.max(path.len() - 1);
            let expected = json!({
                "key": by_hand::hex(key),
                "from": by_hand::hex(id),
                "hops": path.len() - 1,
                "path": path,
                "owner": by_hand::hex(owner),
            });
            let got = route(&setup, &from, RouteKey::Name(&name), None).unwrap();
            assert_eq!(serde_json::to_value(got).unwrap(), expected, "{name} from {from}");
            if number % 20 == 0 {
                let arguments = ["--from", &from, "--key", &name];
                assert_eq!(dhtsim("route", &file, &arguments), expected, "{name} from {from}");
            }
        }
        assert!((5..=12).contains(&longest), "{longest} hops");
    }

    #[test]
    fn lets_a_lookup_of_ones_own_identifier_go_around_as_the_paper_prints_it() {
        let file = scenario("chord-1000.json");
        let ring = ring(&file, &[]);
        let nodes = by_hand::nodes(&sorted(&ring));
        let setup = load(&file, &Overrides::default()).unwrap().base;
        for node in nodes.iter().step_by(100) {
            let (path, owner) = by_hand::find_successor(&nodes, node.id, node.id);
            assert_eq!((owner, path.last()), (node.id, Some(&node.predecessor)));
            let id = by_hand::hex(node.id);
            let got = route(&setup, &id, RouteKey::Hex(&id), None).unwrap();
            assert_eq!(got.path, path.into_iter().map(by_hand::hex).collect::<Vec<_>>());
        }
    }
}
