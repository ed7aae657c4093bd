/* SPDX-License-Identifier: Apache-2.0 */
/* The node's settings. */
#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "sig/feature/features.h"
#include "tests/sim/scenario.h"

enum { PORT_PLAIN = 5060, PORT_TLS = 5061 };
#define RING_NS (25 * NS_PER_S)

static struct addr address(const char *text)
{
	struct addr a;
	int err = addr_parse(&a, bytes_str(text));

	assert(!err);
	(void)err;
	return a;
}

/* Sets of transports, as many as there is room for. */
enum {
	WITHOUT_WEB = 1 << SIP_UDP | 1 << SIP_TCP | 1 << SIP_TLS,
	WITH_WEB = WITHOUT_WEB | 1 << SIP_WSS,
	ALL = WITH_WEB | 1 << SIP_WS,
};

/* Transports of one family, with the ports of its media. */
static void listen_on(struct shard_settings *set, const char *ip, unsigned transports)
{
	uint16_t network = (uint16_t)set->network_count++;
	struct shard_network *n = &set->networks[network];

	(void)snprintf(n->name, sizeof(n->name), "net%u", network);
	n->media_bind = n->media_advertise = address(ip);
	n->first_port = (uint16_t)(20000 + network * 2 * NODE_PORTS);
	n->last_port = (uint16_t)(n->first_port + 2 * NODE_PORTS - 1);
	for (enum sip_transport t = SIP_UDP; t <= SIP_WSS; t++) {
		struct shard_local *l = &set->locals[set->local_count];

		if (!(transports >> t & 1))
			continue;
		set->local_count++;
		l->bind = address(ip);
		l->bind.port = t == SIP_TLS || t == SIP_WSS ? PORT_TLS : PORT_PLAIN;
		l->advertise = l->bind;
		l->transport = t;
		l->network = network;
	}
}

/* All nodes have those of all shards. */
static void listen_floating(const struct node *n, struct shard_settings *out)
{
	char ip[ADDR_TEXT_MAX];

	out->boot = 1 + n->index;
	for (uint32_t i = 0; i < n->sim->place_count; i++) {
		(void)snprintf(ip, sizeof(ip), "192.0.2.%u", 1 + i);
		listen_on(out, ip, n->sim->script ? WITH_WEB : WITHOUT_WEB);
		out->networks[i].shard = (uint16_t)(SHARD_FIRST + i);
	}
}

/* Each node has addresses of its own. */
static void listen_at(const struct node *n, struct shard_settings *out)
{
	char ip[ADDR_TEXT_MAX];

	out->local_count = out->network_count = 0;
	if (n->sim->floats) {
		listen_floating(n, out);
		return;
	}
	(void)snprintf(ip, sizeof(ip), "192.0.2.%u", 1 + n->index);
	listen_on(out, ip, ALL);
	(void)snprintf(ip, sizeof(ip), "2001:db8::%u", 1 + n->index);
	listen_on(out, ip, ALL);
}

/* All have the same but for that. */
static void settings_alike(struct node *n, struct shard_settings *out)
{
	*out = n->sim->nodes[0].settings;
	listen_at(n, out);
	out->lookup = names_host(n);
}

static void settings_bounds(struct shard_settings *out, bool small)
{
	out->registrar.expires_s = 90;
	out->registrar.expires_min_s = 30;
	out->registrar.expires_max_s = 3600;
	out->registrar.contacts_max = 5;
	out->features = sig_features;
	out->calls_max = small ? 2 : 64;
	out->conferences = (struct conference_settings){ .station_members = 8,
							 .succession = true,
							 .release = CONFERENCE_RELEASE_ALWAYS };
	out->registrations_max = 64;
	out->subscriptions_max = 32;
	out->txns_max = small ? 64 : 512;
}

static void call_codes(struct shard_settings *out)
{
	memcpy(out->call_codes.code[CALL_CODE_RECORD_ON], "*1", sizeof("*1"));
	memcpy(out->call_codes.code[CALL_CODE_RECORD_PAUSE], "*2", sizeof("*2"));
	memcpy(out->call_codes.code[CALL_CODE_RECORD_OFF], "*3", sizeof("*3"));
	out->call_code_wait_ms = 2000;
}

void scenario_settings(struct node *n, struct shard_settings *out)
{
	struct sim *s = n->sim;
	bool small;

	if (n->index) {
		settings_alike(n, out);
		return;
	}
	/* what a shard lost may have been taken by others when it is back: not all of it fits */
	small = sim_chance(s, 50) && s->shard_count == 1 && !s->floats;
	memset(out, 0, sizeof(*out));
	out->boot = 1;
	memcpy(out->server, "tandem", sizeof("tandem"));
	out->trusted_count = sim_chance(s, 700) ? 2 : 0;
	out->trusted[0].net = address("192.0.2.0");
	out->trusted[0].bits = 24;
	out->trusted[1].net = address("2001:db8::");
	out->trusted[1].bits = 32;
	out->latch = LATCH_SAME_IP;
	out->video = true;
	out->tones = s->phones.music;
	out->calls.ring_timeout_ns = RING_NS;
	out->port_rest_ns = NS_PER_S;
	out->save_later_ms = s->script || s->seed % 4 ? SHARD_SAVE_LATER_MS : 0;
	settings_bounds(out, small);
#define X(id, key, dialled, field, value, help) \
	(void)snprintf(out->codes.code[FEATURE_##id], FEATURE_CODE_LEN, "%s", dialled);
	FEATURE_CODES(X)
#undef X
	if (!s->script || !s->script->calls_back)
		out->codes.code[FEATURE_LAST_CALLER][0] = '\0';
	listen_at(n, out);
	out->media_timeout_ns = sim_chance(s, 800) ? sim_between(s, 8, 40) * NS_PER_S : 0;
	out->lookup = names_host(n);
	if (s->script)
		out->calls.park_return_ns = s->script->returns_s * NS_PER_S;
	out->calls.list_pace_ns = 100 * NS_PER_MS;
	if (s->script && s->script->codes)
		call_codes(out);
	if (s->script && s->script->external)
		out->siprec = (struct shard_siprec){
			.count = 1,
			.transport = SIP_UDP,
			.addresses = { srs_place() },
			.user = "srs",
		};
	if (s->script)
		out->transcode = s->script->transcodes;
	if (s->script && s->script->named)
		out->trusted_count = 2;
	if (s->script)
		out->session_expires_s = s->script->session_s;
	if (s->harvest && !s->script)
		out->session_expires_s = sim_chance(s, 500) ? 90 : 0;
	out->seal_key.octets[0] = 7;
	out->fingerprint = (struct media_fingerprint){ .hash = MEDIA_HASH_SHA256, .octets = { 5 } };
	memcpy(out->digest.realm, "test.local", sizeof("test.local"));
	out->digest.nonce_lifetime_ms = 60000;
	out->digest.key[0] = 1;
}
