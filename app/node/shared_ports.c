/* SPDX-License-Identifier: Apache-2.0 */
#include "app/node/shared_ports.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"

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

static uint16_t shared_port_take(void *arg, uint64_t call, uint16_t network)
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
					    .take = shared_port_take,
					    .claim = shared_port_claim,
					    .release = shared_port_release };
}
