#!/usr/bin/env bash
#
# slurm.sh start|stop DIR: a Slurm of two nodes on loopback, for the tests. As root, without
# systemd, cgroups or a database; everything stands below DIR. Clients need
# SLURM_CONF=DIR/slurm.conf.

set -euo pipefail
action=$1
dir=$(realpath -m "$2")
export SLURM_CONF=$dir/slurm.conf

end() {
    local pid
    pid=$(cat "$1" 2>/dev/null || true)
    [ -n "$pid" ] || return 0
    kill "$pid" 2>/dev/null || return 0
    for _ in $(seq 50); do
        kill -0 "$pid" 2>/dev/null || return 0
        sleep 0.1
    done
    kill -KILL "$pid" 2>/dev/null || true
}

if [ "$action" = stop ]; then
    for daemon in slurmd.n1 slurmd.n2 slurmctld munged; do
        end "$dir/$daemon.pid"
    done
    exit 0
fi

host=$(hostname -s)
mkdir -p "$dir"/{state,log,spool.n1,spool.n2}
chmod 755 "$dir"
head -c 1024 /dev/urandom > "$dir/munge.key"
chmod 400 "$dir/munge.key"
cat > "$dir/slurm.conf" <<CONF
ClusterName=tests
SlurmctldHost=$host(127.0.0.1)
SlurmctldPort=17917
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket=$dir/munge.sock
CredType=cred/munge
ProctrackType=proctrack/pgid
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
MpiDefault=none
SwitchType=switch/none
SchedulerType=sched/backfill
SchedulerParameters=sched_min_interval=100000,sched_interval=1,bf_interval=1
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
ReturnToService=2
StateSaveLocation=$dir/state
SlurmdSpoolDir=$dir/spool.%n
SlurmctldPidFile=$dir/slurmctld.pid
SlurmdPidFile=$dir/slurmd.%n.pid
SlurmctldLogFile=$dir/log/slurmctld.log
SlurmdLogFile=$dir/log/slurmd.%n.log
SlurmdParameters=config_overrides
NodeName=n1 NodeHostname=$host NodeAddr=127.0.0.1 Port=17921 CPUs=2 RealMemory=2000
NodeName=n2 NodeHostname=$host NodeAddr=127.0.0.1 Port=17922 CPUs=2 RealMemory=2000
PartitionName=main Nodes=n[1-2] Default=YES MaxTime=INFINITE State=UP
CONF
munged --force --key-file="$dir/munge.key" --socket="$dir/munge.sock" \
    --pid-file="$dir/munged.pid" --log-file="$dir/log/munged.log" \
    --seed-file="$dir/munged.seed" --num-threads=2
slurmctld -f "$dir/slurm.conf"
slurmd -f "$dir/slurm.conf" -N n1
slurmd -f "$dir/slurm.conf" -N n2
for _ in $(seq 150); do
    states=$(sinfo --noheader --Node --format=%T 2>/dev/null || true)
    if [ "$(grep -c '^idle' <<< "$states")" = 2 ]; then
        exit 0
    fi
    sleep 0.1
done
echo "the nodes did not become idle:" >&2
sinfo --Node --long >&2 || true
exit 1
