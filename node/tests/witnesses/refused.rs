//! What an operator may write of a witness.

use dalil_node::shell::home::{Config, Home};
use dalil_node::shell::witnesses::{WITNESSES_MAX, WitnessConfig, prepare};

use crate::asked::{ORIGIN, config};
use crate::witness::Witness;

fn refusal(configured: &[WitnessConfig]) -> String {
    let prepared = prepare(&Home::at("nowhere"), &ORIGIN.parse().unwrap(), configured);
    format!("{:#}", prepared.err().expect("refused"))
}

#[test]
fn what_cannot_be_meant_is_refused_before_the_node_starts() {
    let [one, two] = ["witness.example/w1", "witness.example/w2"].map(|name| Witness::honest(name, Vec::new()));
    let good = config(&one);
    let with = |vkey: &str| refusal(&[WitnessConfig { vkey: vkey.to_owned(), ..good.clone() }]);
    let log = "ledger.example/other+1c3ae8a2+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k";
    let log_of_c2sp = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k";
    for (vkey, words) in [
        ("", "ask the witness's operator for its vkey of type 0x04"),
        ("witness.example/w1", "ask the witness's operator for its vkey of type 0x04"),
        (log, "key id 1c3ae8a2, expected"),
        (log_of_c2sp, "a vkey of type 0x01 is a log's; a witness's has type 0x04"),
        (&Witness::honest(ORIGIN, Vec::new()).vkey(), "a name of this log's own validators"),
        (&Witness::honest("ledger.example/wb/land", Vec::new()).vkey(), "a name of this log's own validators"),
    ] {
        let said = with(vkey);
        assert!(said.starts_with("witness 1 of config.toml: ") && said.contains(words), "{vkey}: {said}");
    }
    let beside = Witness::honest("ledger.example/wbw", Vec::new());
    assert!(prepare(&Home::at("nowhere"), &ORIGIN.parse().unwrap(), &[config(&beside)]).is_ok(), "another name");

    let at =
        |url: &str, allow_private| refusal(&[WitnessConfig { url: url.to_owned(), allow_private, ..good.clone() }]);
    for (url, words) in [
        ("https://127.0.0.1/", "loopback"),
        ("https://10.0.0.8:8443/witness", "private"),
        ("https://[fd00::1]/", "ULA"),
        ("http://witness.example/", "needs https"),
        ("https://me:secret@witness.example/", "no name and password"),
        ("witness.example", "its url is none"),
    ] {
        let said = at(url, false);
        assert!(said.contains(words) && said.contains("witness.example/w1") && !said.contains("secret@"), "{said}");
    }
    assert!(at("https://witness.example/?log=1", true).contains("submission prefix alone"));
    assert!(at("https://witness.example/#w", true).contains("submission prefix alone"));

    assert!(refusal(&[good.clone(), good.clone()]).contains("two witnesses are named witness.example/w1"));
    let many = vec![config(&two); WITNESSES_MAX + 1];
    assert!(refusal(&many).contains("at most 8 witnesses"));
}

#[test]
fn the_configuration_file_takes_witnesses_and_no_other_word() {
    let plain = "p2p_listen = \"127.0.0.1:1\"\nhttp_listen = \"127.0.0.1:2\"\npeers = []\n";
    let written =
        format!("{plain}[[witness]]\nvkey = \"w+1\"\nurl = \"https://w.example\"\nca_file = \"keys/ca.pem\"\n");
    let config = Config::from_toml(&written).unwrap();
    assert_eq!((config.witnesses.len(), config.witnesses[0].allow_private), (1, false));
    assert_eq!(Config::from_toml(&config.to_toml().unwrap()).unwrap(), config);
    assert!(!Config::from_toml(plain).unwrap().to_toml().unwrap().contains("witness"));
    for unknown in ["key = 1", "name = \"w\"", "interval = 1"] {
        assert!(Config::from_toml(&format!("{written}{unknown}\n")).is_err(), "{unknown}");
    }
}
