/* SPDX-License-Identifier: Apache-2.0 */
/* What this machine lets the node hold: descriptors, media ports, memory. At start the limits of
 * calls, connections and WebSockets are lowered to what the descriptor limit allows; too few for
 * any call end the start. Media ports that WebRTC calls share, one for each worker, are opened
 * here. node_capacity_probe tells --check-config which ports others have. */

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "app/node/node.h"
#include "app/node/node_capacity.h"
#include "app/node/node_life.h"
#include "app/node/node_shard.h"
#include "app/node/node_wait.h"
#include "app/settings/settings.h"
#include "base/clock.h"
#include "base/log.h"
#include "engine/engine.h"

static uint32_t capacity_least(uint32_t a, uint64_t b)
{
	return a < b ? a : (uint32_t)b;
}

/* Gives of what is left, up to what is wanted. */
static void capacity_raise(uint32_t *has, uint32_t wanted, uint64_t *left)
{
	uint32_t more = capacity_least(wanted - *has, *left);

	*has += more;
	*left -= more;
}

struct capacity capacity_fit(uint64_t fds, const struct capacity *wanted)
{
	uint64_t usable = fds > CAPACITY_OTHER_FDS ? fds - CAPACITY_OTHER_FDS : 0, left, used;
	struct capacity out = {
		.connections = capacity_least(wanted->connections, usable / CAPACITY_SHARE),
		.websockets = capacity_least(wanted->websockets, usable / CAPACITY_SHARE),
	};

	left = usable - out.connections - out.websockets;
	out.calls = capacity_least(wanted->calls, left / CAPACITY_CALL_FDS);
	used = (uint64_t)out.calls * CAPACITY_VIDEO_FDS;
	left = left > used ? left - used : 0;
	capacity_raise(&out.connections, wanted->connections, &left);
	capacity_raise(&out.websockets, wanted->websockets, &left);
	return out;
}

uint32_t shared_ports_count(const struct settings *s)
{
	for (uint32_t i = 0; i < s->network_count; i++)
		if (s->networks[i].webrtc_port)
			return s->network_count;
	return 0;
}

/* ---- at start ---- */

static int port_open(const struct shared_ports *p, uint32_t worker, uint32_t network,
		     const struct addr *local, uint8_t dscp, struct engine_room *room)
{
	int fd, err = engine_bind_shared(local, dscp, true, &fd, room);

	if (!err && !engine_shared_port(p->engine, worker, network, fd)) {
		(void)close(fd);
		err = -EAGAIN;
	}
	if (err)
		LOG_ERROR("node", 0, "networks[].webrtc_port cannot be used",
			  LOG_ADDR("local", local), LOG_STR("error", strerror(-err)));
	return err;
}

static int network_open(const struct shared_ports *p, const struct settings *s, uint32_t i,
			struct engine_room *room)
{
	struct addr local = s->networks[i].bind;
	int err = 0;

	for (uint32_t w = 0; !err && w < p->workers; w++) {
		local.port = (uint16_t)(p->first[i] + w);
		err = port_open(p, w, i, &local, (uint8_t)s->media.dscp_audio, room);
	}
	if (!err)
		LOG_INFO("media", 0, "shared ports open", LOG_STR("network", s->networks[i].name),
			 LOG_U64("first", p->first[i]), LOG_U64("last", local.port));
	return err;
}

int shared_ports_open(struct shared_ports *p, struct engine *e, const struct settings *s)
{
	struct engine_room room = { 0 };
	int err = 0;

	*p = (struct shared_ports){ .engine = e, .workers = (uint8_t)s->media.workers };
	for (uint32_t i = 0; !err && i < s->network_count; i++) {
		p->first[i] = (uint16_t)s->networks[i].webrtc_port;
		if (p->first[i])
			err = network_open(p, s, i, &room);
	}
	if (!err && room.granted < room.asked)
		LOG_WARN("media", 0,
			 "net.core.rmem_max bounds the receive buffers of shared ports: packets "
			 "are lost when many come at once",
			 LOG_U64("wanted", room.asked), LOG_U64("granted", room.granted));
	return err;
}

/* ---- for calls ---- */

static uint16_t shared_port_of(void *arg, uint64_t call, uint16_t network)
{
	const struct shared_ports *p = arg;

	if (!p->first[network])
		return 0;
	return (uint16_t)(p->first[network] + engine_worker_for(p->engine, call));
}

static bool shared_port_claim(void *arg, uint64_t call, uint16_t network, uint16_t port)
{
	const struct shared_ports *p = arg;
	uint16_t first = p->first[network];

	return first && port >= first && port < first + p->workers &&
	       engine_worker_keep(p->engine, call, (uint32_t)port - first);
}

static void shared_port_release(void *arg, uint64_t call)
{
	const struct shared_ports *p = arg;

	engine_worker_release(p->engine, call);
}

struct shard_shared_ports shared_ports_of(struct shared_ports *p)
{
	return (struct shard_shared_ports){ .arg = p,
					    .take = shared_port_of,
					    .claim = shared_port_claim,
					    .release = shared_port_release };
}

enum { PROBES = 32 };

static uint64_t descriptors_raise(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit))
		return 0;
	limit.rlim_cur = limit.rlim_max;
	/* no io_uring or epoll of ours counts beyond this */
	if (limit.rlim_cur > INT32_MAX / 2)
		limit.rlim_cur = INT32_MAX / 2;
	if (setrlimit(RLIMIT_NOFILE, &limit) && getrlimit(RLIMIT_NOFILE, &limit))
		return 0;
	return limit.rlim_cur;
}

enum { DESCRIPTORS_OTHER = 1024 };

/* Each time the kernel doubles the descriptor table of a process with threads, the thread that
 * opens one waits until all CPUs have noticed (RCU): some 10 ms, when calls most need ports. Now
 * there is one thread, and no wait. */
static void descriptors_reserve(const struct node *n, uint64_t fds)
{
	uint64_t wanted = 2 * (uint64_t)settings_port_pairs(n->settings) +
			  n->capacity->connections_max + n->capacity->websockets_max +
			  DESCRIPTORS_OTHER;
	int last = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, (int)(wanted < fds ? wanted : fds) - 1);

	if (last >= 0)
		(void)close(last);
}

/* Of what is wanted less is there. */
static void capacity_warn(const char *what, const char *limit, uint32_t wanted, uint32_t has,
			  uint64_t fds)
{
	if (has >= wanted)
		return;
	LOG_WARN("node", 0,
		 "fewer than its limit: the hard limit of descriptors (LimitNOFILE=, ulimit -Hn) "
		 "is too low for it",
		 LOG_STR("of", what), LOG_STR("limit", limit), LOG_U64("wanted", wanted),
		 LOG_U64("has", has), LOG_U64("descriptors", fds));
}

int node_capacity_fit(struct node *n, unsigned *fd_max)
{
	uint64_t fds = descriptors_raise();
	uint32_t pairs = settings_port_pairs(n->settings);
	bool web = settings_web_local(n->settings, true) != UINT32_MAX;
	const struct capacity wanted = {
		.calls = n->settings->limits.calls,
		.connections = n->settings->limits.connections,
		.websockets = web ? n->settings->limits.websockets : 0,
	};
	struct capacity has = capacity_fit(fds, &wanted);

	if (!has.calls || !has.connections) {
		LOG_ERROR("node", 0,
			  "too few descriptors: raise the hard limit (LimitNOFILE=, ulimit -Hn)",
			  LOG_U64("limit", fds));
		return -EMFILE;
	}
	capacity_warn("WebSockets", "limits.websockets", wanted.websockets, has.websockets, fds);
	capacity_warn("SIP connections", "limits.connections", wanted.connections, has.connections,
		      fds);
	capacity_warn("calls", "limits.calls", wanted.calls, has.calls, fds);
	n->capacity->calls_max = has.calls;
	n->capacity->connections_max = has.connections;
	n->capacity->websockets_max = has.websockets;
	descriptors_reserve(n, fds);
	if (n->capacity->calls_max > pairs / 2) {
		LOG_INFO("node", 0, "media_ports are too few for limits.calls",
			 LOG_U64("calls", n->capacity->calls_max),
			 LOG_U64("calls_with_ports", pairs / 2));
	}
	*fd_max = (unsigned)fds;
	return 0;
}

struct capacity_probe {
	uint32_t tried, busy;
	int error; /* of the last one */
	struct addr example;
};

static int bind_once(const struct addr *rtp)
{
	struct addr rtcp = *rtp;
	int fds[2] = { -1, -1 }, err;

	rtcp.port++;
	err = engine_bind_again(rtp, &rtcp, 0, &fds[0], &fds[1]);
	for (size_t i = 0; i < 2; i++) {
		if (fds[i] >= 0)
			(void)close(fds[i]);
	}
	return err;
}

static void probe_one(struct capacity_probe *p, const struct addr *rtp)
{
	int err = bind_once(rtp);

	p->tried++;
	if (!err)
		return;
	p->busy++;
	p->error = err;
	p->example = *rtp;
}

static int probe_network(struct capacity_probe *p, const struct settings_network *network)
{
	uint32_t first = network->media_ports.first + (network->media_ports.first & 1);
	uint32_t pairs = (network->media_ports.last - first + 1) / 2;
	uint32_t step = pairs > PROBES ? pairs / PROBES : 1;
	struct addr rtp = network->bind;

	p->tried = p->busy = 0;
	for (uint32_t i = 0; i < pairs; i += step) {
		rtp.port = (uint16_t)(first + 2 * i);
		probe_one(p, &rtp);
	}
	if (!p->busy)
		return 0;
	if (p->busy > p->tried / 2) {
		LOG_ERROR("node", 0,
			  p->error == -EADDRINUSE ? "media ports are used by another program: give "
						    "networks[].media_ports others"
						  : "media ports cannot be bound",
			  LOG_STR("network", network->name), LOG_ADDR("example", &p->example),
			  LOG_STR("error", strerror(-p->error)));
		return p->error;
	}
	LOG_WARN("node", 0,
		 "some media ports are used by another program: calls that get them fail",
		 LOG_STR("network", network->name), LOG_ADDR("example", &p->example),
		 LOG_U64("tried", p->tried), LOG_U64("busy", p->busy));
	return 0;
}

int node_capacity_probe(const struct settings *s)
{
	struct capacity_probe p = { 0 };
	int err = 0;

	for (uint32_t i = 0; !err && i < s->network_count; i++)
		err = s->networks[i].floating ? 0 : probe_network(&p, &s->networks[i]);
	return err;
}

void node_memory(uint64_t *reserved, uint64_t *resident)
{
	FILE *file = fopen("/proc/self/statm", "re");
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
	char line[128] = "";
	struct bytes rest, word;

	*reserved = *resident = 0;
	if (!file)
		return;
	if (fgets(line, sizeof(line), file)) {
		rest = bytes_str(line);
		if (bytes_cut(&rest, ' ', &word) && !bytes_u64(word, reserved) &&
		    bytes_cut(&rest, ' ', &word))
			(void)bytes_u64(word, resident);
	}
	(void)fclose(file);
	*reserved *= page;
	*resident *= page;
}

void node_log_ready(const struct node *n)
{
	struct shard_counts counts;
	uint64_t reserved, resident;

	node_counts(n, &counts);
	node_memory(&reserved, &resident);
	LOG_INFO("node", 0, "ready", LOG_STR("name", n->settings->node.name),
		 LOG_U64("shard", n->settings->node.shard), LOG_U64("shards", node_shards_live(n)),
		 LOG_STR("redis", n->redis->embedded_used ? "own" : "configured"),
		 LOG_U64("start_ms", (clock_now_ns() - n->life->start_ns) / NS_PER_MS),
		 LOG_U64("calls_max", n->capacity->calls_max),
		 LOG_U64("registrations_max", n->settings->limits.registrations),
		 LOG_U64("transactions_max", n->settings->limits.transactions),
		 LOG_U64("port_pairs", settings_port_pairs(n->settings)),
		 LOG_U64("memory_reserved_mib", n->capacity->reserved_bytes >> 20),
		 LOG_U64("memory_now_mib", resident >> 20),
		 LOG_U64("extensions", counts.extensions), LOG_U64("registrations", counts.aors),
		 LOG_U64("calls_restored", n->life->calls_restored),
		 LOG_U64("records_broken", n->life->records_broken));
}
