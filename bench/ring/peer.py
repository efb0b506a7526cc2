"""Runs the scenario on standard input through Debian's python3-swift RingBuilder, the class behind swift-ring-builder.

Input: {"partPower", "replicas", "overload", "seed", "steps": [{"name", "changes": [...]}], "out": folder}.
After each step it writes the assignment of every replica (little-endian 16-bit device ids, replica after replica) to
<out>/<step>.bin and one line of JSON with the seconds that rebalance() took; the caller computes all figures itself.
"""
import json
import sys
import time

from swift.common.ring import RingBuilder

scenario = json.load(sys.stdin)
builder = RingBuilder(scenario['partPower'], scenario['replicas'], 1)
builder.set_overload(scenario['overload'])
for number, step in enumerate(scenario['steps']):
    for change in step['changes']:
        if change['do'] == 'add':
            device = dict(change['device'])
            device['replication_ip'] = device.pop('replicationIp')
            device['replication_port'] = device.pop('replicationPort')
            builder.add_dev(device)
        elif change['do'] == 'remove':
            builder.remove_dev(change['id'])
        else:
            builder.set_dev_weight(change['id'], change['weight'])
    builder.pretend_min_part_hours_passed()
    wall, cpu = time.time(), time.process_time()
    builder.rebalance(seed=scenario['seed'])
    wall, cpu = time.time() - wall, time.process_time() - cpu
    with open('%s/%d.bin' % (scenario['out'], number), 'wb') as out:
        for table in builder._replica2part2dev:
            table.tofile(out)
    print(json.dumps({'seconds': wall, 'cpuSeconds': cpu, 'balance': builder.get_balance(), 'dispersion': builder.dispersion}), flush=True)
