//! USER and --chown: names looked up in the passwd and group files of a root, and nowhere else.

use super::direct::{self, Direct};
use super::path::to_text;
use super::policy::Owner;
use super::read::file_in;
use super::rootfs::{Layers, Rootfs};
use super::thread;
use crate::error::{Error, Result};
use crate::task::CancelFlag;

/// passwd(5) and group(5) files are small; what is larger is not one.
const MAX_BYTES: u64 = 10 << 20;
/// Of the kernel's ids, those that runtimes accept.
const MAX_ID: u64 = i32::MAX as u64;

pub struct User {
    pub owner: Owner,
    pub additional_gids: Vec<u32>,
    pub home: Option<String>,
}

struct Passwd {
    name: String,
    uid: u32,
    gid: u32,
    home: String,
}

struct Group {
    name: String,
    gid: u32,
    members: Vec<String>,
}

struct Accounts {
    users: Vec<Passwd>,
    groups: Vec<Group>,
}

/// USER: `name`, `uid`, `name:group`, `uid:gid`; "" is root. Errors: `USER_NOT_FOUND`, `GROUP_NOT_FOUND`.
pub fn look_up_user(layers: &Layers, spec: &str, cancel: &CancelFlag) -> Result<User> {
    with_accounts(layers, cancel, |accounts| accounts.user(spec))
}

/// --chown: `55` is 55:55, `name` its uid and primary group, `:group` root with that group. Errors: `USER_NOT_FOUND`, `GROUP_NOT_FOUND`.
pub fn look_up_owner(layers: &Layers, spec: &str, cancel: &CancelFlag) -> Result<Owner> {
    with_accounts(layers, cancel, |accounts| accounts.owner(spec))
}

fn with_accounts<T: Send>(
    layers: &Layers,
    cancel: &CancelFlag,
    look_up: impl FnOnce(&Accounts) -> Result<T> + Send,
) -> Result<T> {
    if let Some(accounts) = read_directly(layers) {
        return look_up(&accounts);
    }
    thread::run(layers.isolation(), || {
        let rootfs = Rootfs::view(layers)?;
        let read = |path| file_in(&rootfs, path, MAX_BYTES, cancel).map(Option::unwrap_or_default);
        look_up(&Accounts::parse(&read("/etc/passwd")?, &read("/etc/group")?))
    })
}

/// Most images keep both files as plain files, and reading those costs a tenth of mounting the layers.
fn read_directly(layers: &Layers) -> Option<Accounts> {
    let read = |name| match direct::read(layers, c"etc", name, MAX_BYTES) {
        Direct::Content(bytes) => Some(bytes),
        Direct::Missing => Some(Vec::new()),
        Direct::Unsure => None,
    };
    Some(Accounts::parse(&read(c"passwd")?, &read(c"group")?))
}

impl Accounts {
    fn parse(passwd: &[u8], group: &[u8]) -> Self {
        Self {
            users: parse_passwd(&to_text(passwd)),
            groups: parse_group(&to_text(group)),
        }
    }

    fn user(&self, spec: &str) -> Result<User> {
        let (user, group) = split(spec);
        let user = if user.is_empty() { "0" } else { user };
        let number = id(user, "USER_NOT_FOUND")?;
        let entry = self
            .users
            .iter()
            .find(|entry| entry.name == user || number == Some(entry.uid));
        let uid = match (entry, number) {
            (Some(entry), _) => entry.uid,
            (None, Some(uid)) => uid,
            (None, None) => return Err(self.no_user(user)),
        };
        let gid = match group {
            Some(group) => self.gid(group)?,
            None => entry.map_or(0, |entry| entry.gid),
        };
        let additional_gids = match (entry, group) {
            (Some(entry), None) => self.groups_of(&entry.name),
            _ => Vec::new(),
        };
        let home = entry
            .map(|entry| entry.home.clone())
            .filter(|home| !home.is_empty());
        Ok(User {
            owner: Owner { uid, gid },
            additional_gids,
            home,
        })
    }

    /// `root` is 0 whatever the files say, as in BuildKit, and so is a part that is left empty.
    fn owner(&self, spec: &str) -> Result<Owner> {
        let (user, group) = split(spec);
        let (uid, primary) = match user {
            "" | "root" => (0, 0),
            user => self.uid_and_gid(user)?,
        };
        let gid = match group {
            None => primary,
            Some("" | "root") => 0,
            Some(group) => id(group, "GROUP_NOT_FOUND")?.map_or_else(|| self.gid(group), Ok)?,
        };
        Ok(Owner { uid, gid })
    }

    fn uid_and_gid(&self, user: &str) -> Result<(u32, u32)> {
        if let Some(uid) = id(user, "USER_NOT_FOUND")? {
            return Ok((uid, uid));
        }
        let entry = self.users.iter().find(|entry| entry.name == user);
        entry
            .map(|entry| (entry.uid, entry.gid))
            .ok_or_else(|| self.no_user(user))
    }

    fn gid(&self, group: &str) -> Result<u32> {
        let number = id(group, "GROUP_NOT_FOUND")?;
        let entry = self.groups.iter().find(|entry| entry.name == group);
        entry.map(|entry| entry.gid).or(number).ok_or_else(|| {
            let message = missing("/etc/group", self.groups.is_empty());
            Error::new("GROUP_NOT_FOUND", "look up group", message).with_subject(group)
        })
    }

    fn groups_of(&self, name: &str) -> Vec<u32> {
        let mut gids = Vec::new();
        for group in &self.groups {
            if group.members.iter().any(|member| member == name) && !gids.contains(&group.gid) {
                gids.push(group.gid);
            }
        }
        gids
    }

    fn no_user(&self, user: &str) -> Error {
        let message = missing("/etc/passwd", self.users.is_empty());
        Error::new("USER_NOT_FOUND", "look up user", message).with_subject(user)
    }
}

fn missing(file: &str, is_empty: bool) -> String {
    let what = if is_empty {
        "is missing or empty"
    } else {
        "has no such entry"
    };
    format!("{file} of this stage {what}")
}

fn split(spec: &str) -> (&str, Option<&str>) {
    match spec.split_once(':') {
        Some((user, group)) => (user, Some(group)),
        None => (spec, None),
    }
}

/// `None` for a name.
fn id(text: &str, code: &'static str) -> Result<Option<u32>> {
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Ok(None);
    }
    let number = text.parse::<u64>().ok().filter(|number| *number <= MAX_ID);
    match number {
        Some(number) => Ok(Some(number as u32)),
        None => {
            let message = format!("ids are at most {MAX_ID}");
            Err(Error::new(code, "look up id", message).with_subject(text))
        }
    }
}

/// passwd(5). Lines that are not entries are passed over, as getpwnam(3) does.
fn parse_passwd(text: &str) -> Vec<Passwd> {
    let entries = text.lines().filter_map(|line| {
        let fields: Vec<_> = line.trim().split(':').collect();
        Some(Passwd {
            name: (*fields.first()?).into(),
            uid: fields.get(2)?.parse().ok()?,
            gid: fields.get(3)?.parse().ok()?,
            home: fields.get(5).copied().unwrap_or_default().into(),
        })
    });
    entries.collect()
}

/// group(5)
fn parse_group(text: &str) -> Vec<Group> {
    let entries = text.lines().filter_map(|line| {
        let fields: Vec<_> = line.trim().split(':').collect();
        let members = fields.get(3).copied().unwrap_or_default();
        Some(Group {
            name: (*fields.first()?).into(),
            gid: fields.get(2)?.parse().ok()?,
            members: members.split(',').map(str::to_owned).collect(),
        })
    });
    entries.collect()
}
