#!/bin/sh
# A Slurm of one node, from a private configuration, for tests; needs root.
#
#   tests/slurm.sh start DIR [CPUS]   set it up in DIR; then `. DIR/env` to use it
#   tests/slurm.sh stop DIR           take it down, by the process ids it wrote there
set -eu
what=$1 dir=$2

stop() {
    for name in slurmd slurmctld munged; do
        file=$dir/$name.pid
        [ -s "$file" ] || continue
        pid=$(cat "$file")
        kill "$pid" 2>/dev/null || continue
        for _ in $(seq 50); do
            kill -0 "$pid" 2>/dev/null || break
            sleep 0.1
        done
        kill -9 "$pid" 2>/dev/null || true
    done
}

if [ "$what" = stop ]; then
    stop
    exit 0
fi

cpus=${3:-2}
mkdir -p "$dir/state" "$dir/spool" "$dir/munge"
dir=$(cd "$dir" && pwd)
host=$(hostname -s)
port=$(python3 -c 'import socket
a, b = socket.socket(), socket.socket()
a.bind(("127.0.0.1", 0)), b.bind(("127.0.0.1", 0))
print(a.getsockname()[1], b.getsockname()[1])')

head -c 128 /dev/urandom > "$dir/munge/key"
chmod 600 "$dir/munge/key"
chmod 711 "$dir" "$dir/munge"
munged --key-file="$dir/munge/key" --socket="$dir/munge/socket" \
    --pid-file="$dir/munged.pid" --log-file="$dir/munge/log" \
    --seed-file="$dir/munge/seed" --force

cat > "$dir/slurm.conf" <<CONF
ClusterName=test
SlurmctldHost=$host(127.0.0.1)
SlurmctldPort=${port% *}
SlurmdPort=${port#* }
SlurmUser=root
AuthType=auth/munge
AuthInfo=socket=$dir/munge/socket
CredType=cred/munge
StateSaveLocation=$dir/state
SlurmdSpoolDir=$dir/spool
SlurmctldPidFile=$dir/slurmctld.pid
SlurmdPidFile=$dir/slurmd.pid
SlurmctldLogFile=$dir/slurmctld.log
SlurmdLogFile=$dir/slurmd.log
ProctrackType=proctrack/pgid
TaskPlugin=task/none
SwitchType=switch/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
AccountingStorageType=accounting_storage/none
JobAcctGatherType=jobacct_gather/none
JobRequeue=1
ReturnToService=2
SchedulerParameters=sched_interval=1,batch_sched_delay=0
NodeName=$host NodeAddr=127.0.0.1 CPUs=$cpus State=UNKNOWN
PartitionName=test Nodes=$host Default=YES MaxTime=INFINITE State=UP
CONF
# No control groups: before 23.02 Slurm cannot do without the plugin, but v1's does
# nothing as long as nothing asks it to.
case $(slurmd -V) in
*\ 2[012].*) echo "CgroupPlugin=cgroup/v1" ;;
*) echo "CgroupPlugin=disabled" ;;
esac > "$dir/cgroup.conf"

SLURM_CONF=$dir/slurm.conf
export SLURM_CONF
slurmctld -f "$SLURM_CONF"
slurmd -f "$SLURM_CONF" -c
echo "export SLURM_CONF=$SLURM_CONF" > "$dir/env"

for _ in $(seq 100); do
    state=$(sinfo --noheader --format=%t 2>/dev/null || true)
    [ "$state" = idle ] && exit 0
    sleep 0.1
done
echo "Slurm did not come up: $state" >&2
tail -n 5 "$dir/slurmctld.log" "$dir/slurmd.log" >&2
stop
exit 1
