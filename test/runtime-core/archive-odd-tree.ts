/**
 * A bash script that makes a directory with one of every odd thing a layer can hold. Needs root.
 * Every mtime is a whole second, since that is what a layer keeps.
 */
export const ODD_TREE: string = `
mkdir -p dir/sub empty bin usr/bin dev run
printf hello >dir/file
printf '' >dir/nothing
ln dir/file dir/linked
ln dir/file a-link-that-comes-first
ln -s file dir/symlink
ln -s /absolute/../target dir/absolute
ln -s ${"t".repeat(150)} dir/long-target
ln -s dangling dir/s1; ln dir/s1 dir/s2
printf suid >bin/suid; chmod 4755 bin/suid
printf sgid >bin/sgid; chmod 2711 bin/sgid
printf cap >bin/capable; setcap cap_net_raw,cap_setuid+ep bin/capable
mkdir run/sticky run/setgid; chmod 1777 run/sticky; chmod 2750 run/setgid
mkfifo -m 0640 run/fifo; ln run/fifo run/fifo2
mknod dev/null c 1 3; mknod dev/loop b 7 11; chmod 0666 dev/null
printf secret >dir/secret; chmod 0000 dir/secret
chown 3000000:4000000 dir/secret
printf owner >dir/owner; chown 65534:100 dir/owner; chown -h 12:34 dir/symlink
mkdir -p ${"d".repeat(60)}/${"e".repeat(60)}/${"f".repeat(60)}/${"g".repeat(60)}
printf deep >${"d".repeat(60)}/${"e".repeat(60)}/${"f".repeat(60)}/${"g".repeat(60)}/${"h".repeat(60)}
printf long >${"n".repeat(120)}
printf exact >${"x".repeat(100)}
mkdir ${"y".repeat(100)}
printf split >${"d".repeat(60)}/${"z".repeat(100)}
printf unicode >'dir/naïve 日本'
printf bytes >$'dir/\\xff\\xfe-not-utf8'
ln -s $'\\xe9t\\xe9' dir/latin1-target
printf odd >$'dir/new\\nline and "quotes" \\\\'
mkdir opaque; printf kept >opaque/kept; setfattr -n trusted.overlay.opaque -v y opaque
mknod dir/removed c 0 0; mknod removed-dir c 0 0; mknod opaque/gone c 0 0
head -c 1048064 /dev/zero >zeros; head -c 3145729 /dev/urandom >noise; seq 1 300000 >text
find . -mindepth 1 -exec touch -h -d @1500000000 {} +
touch -d @0 dir/nothing; touch -d @-5 bin/suid; touch -d @4102444800 bin/sgid; touch -d @8589934592 text
`;
