/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Paging groups with a channel, or on multicast addresses. Of a page to phones this is the other
 * end of the room's stream "page:NAME", of a page by a phone that of "heard:NAME". Both are in the
 * room's record, so a successor goes on with them. A phone's page is heard by all nodes of a
 * cluster; one of them begins it. Control thread.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/document/document.h"
#include "app/effect/plays.h"
#include "app/feature/page/page.h"
#include "app/feature/page/page_cast.h"
#include "app/node/claimant.h"
#include "app/node/node.h"
#include "app/node/node_cluster.h"
#include "app/node/node_media.h"
#include "app/node/node_shard.h"
#include "app/settings/settings.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/loop.h"
#include "cluster/identity.h"
#include "sig/pbx/page.h"
#include "sig/room/room.h"
#include "sig/shard/shard.h"

#define PAGE_INCOMING "heard:" /* in front of its name: the stream of a phone's page */
/* So long members' registrations are waited for, and what other nodes report. */
#define PAGE_INCOMING_WAIT_NS (200 * NS_PER_MS)
/* Groups without multicast are tried again so often: an address or a link may have come. */
#define PAGE_AGAIN_NS (10 * NS_PER_S)

static_assert(sizeof(PAGE_INCOMING) - 1 + PAGE_NAME_MAX <= ROOM_STREAM_MAX,
	      "its stream has a name");

static struct page_group {
	uint64_t id; /* of page_cast.h */
	uint16_t tenant;
	char name[PAGE_NAME_MAX];
	uint8_t channel;                /* 0: none */
	struct addr to[PAGE_CAST_WAYS]; /* ADDR_NONE: not by this way */
	bool joined;
	uint64_t incoming_ns;       /* a phone's page is to begin then; 0: none is */
	char lacks[PAGE_STATE_MAX]; /* why there is no multicast; "": nothing */
} g_groups[ROOM_PAGES_MAX];
static uint32_t g_group_count;
static uint64_t g_group_last;
static struct node *g_page_node; /* for streams; NULL: not open */
static bool g_watched;

static struct page_group *group_find(uint16_t tenant, struct bytes name)
{
	for (uint32_t i = 0; i < g_group_count; i++) {
		if (g_groups[i].tenant == tenant && bytes_is(name, g_groups[i].name))
			return &g_groups[i];
	}
	return NULL;
}

static struct page_group *group_of_id(uint64_t id)
{
	for (uint32_t i = 0; i < g_group_count; i++) {
		if (g_groups[i].id == id)
			return &g_groups[i];
	}
	return NULL;
}

static bool group_is_cast(const struct page_group *g)
{
	return g->to[PAGE_CAST_POLYCOM].family != ADDR_NONE ||
	       g->to[PAGE_CAST_RTP].family != ADDR_NONE;
}

/* ---- phones' files ---- */

static bool numbers_have(const char *list, struct bytes number)
{
	struct bytes left = bytes_str(list), one;

	while (bytes_cut(&left, ',', &one)) {
		if (bytes_eq(bytes_trim(one), number))
			return true;
	}
	return false;
}

void page_channels(const struct node *n, uint16_t tenant, struct bytes number,
		   struct page_channel out[PAGE_CHANNELS])
{
	static struct page_value v;

	memset(out, 0, sizeof(out[0]) * PAGE_CHANNELS);
	for (uint32_t i = 0; i < g_group_count; i++) {
		const struct page_group *g = &g_groups[i];
		struct page_channel *c = &out[g->channel ? g->channel - 1 : 0];

		if (g->tenant != tenant || !g->channel ||
		    !document_stored(n, tenants_name(n->common.tenants, tenant), &g_page_documents,
				     bytes_str(g->name), &v))
			continue;
		page_label(c->label, &v);
		if (!numbers_have(v.members, number) && !numbers_have(v.listeners, number))
			continue;
		c->heard = true;
		if (c->address.family == ADDR_NONE)
			c->address = g->to[PAGE_CAST_POLYCOM];
	}
}

/* ---- what a group may have ---- */

static void group_addresses(struct addr to[PAGE_CAST_WAYS], const struct page_value *v)
{
	const char *const texts[] = { v->multicast, v->multicast_rtp };

	for (int i = 0; i < PAGE_CAST_WAYS; i++) {
		to[i] = (struct addr){ 0 };
		if (texts[i][0] && addr_parse(&to[i], bytes_str(texts[i])))
			to[i] = (struct addr){ 0 };
	}
}

/* Groups of a tenant share an address for Polycom's packets, which name their channel; all else is
 * one group's. NULL: nobody else has it. */
static const char *address_taken(uint16_t tenant, const char *name, enum page_cast_way way,
				 const struct addr *a)
{
	for (uint32_t i = 0; a->family != ADDR_NONE && i < g_group_count; i++) {
		const struct page_group *g = &g_groups[i];
		bool own = g->tenant == tenant;

		if (own && !strcmp(g->name, name))
			continue;
		for (int k = 0; k < PAGE_CAST_WAYS; k++) {
			if (g->to[k].family == ADDR_NONE || !addr_eq(&g->to[k], a) ||
			    (own && way == PAGE_CAST_POLYCOM && k == PAGE_CAST_POLYCOM))
				continue;
			return own ? "another paging group has this address and port"
				   : "another tenant has this address and port";
		}
	}
	return NULL;
}

static const char *group_taken(uint16_t tenant, const struct page_value *v, const char **field)
{
	static const char *const fields[] = { "multicast", "multicast_rtp" };
	struct addr to[PAGE_CAST_WAYS];
	const char *taken = NULL;

	group_addresses(to, v);
	for (int i = 0; !taken && i < PAGE_CAST_WAYS; i++) {
		taken = address_taken(tenant, v->name, (enum page_cast_way)i, &to[i]);
		*field = fields[i];
	}
	if (!taken && to[0].family != ADDR_NONE && addr_eq(&to[0], &to[1]))
		taken = "multicast has this address and port, too";
	return taken;
}

const char *page_multicast_wrong(const struct node *n, uint16_t tenant, const struct page_value *v,
				 const char **field)
{
	(void)n;
	*field = "channel";
	if (v->multicast[0] && !v->channel)
		return "a group with `multicast` has a channel, from 1 to 25";
	return group_taken(tenant, v, field);
}

/* All who hear that channel hear both. */
void page_multicast_warn(const struct node *n, uint16_t tenant, const void *value, json_t *out)
{
	const struct page_value *v = value;
	const struct page_group *own = group_find(tenant, bytes_str(v->name));

	(void)n;
	for (uint32_t i = 0; i < g_group_count && v->channel; i++) {
		const struct page_group *g = &g_groups[i];

		if (g->tenant == tenant && g->channel == v->channel &&
		    strcmp(g->name, v->name) != 0)
			(void)json_array_append_new(out, json_sprintf("channel: %s has it, too",
								      g->name));
	}
	if (own && own->lacks[0])
		(void)json_array_append_new(out, json_sprintf("multicast: %s", own->lacks));
}

const char *page_multicast_state(uint16_t tenant, const struct page_value *v)
{
	const struct page_group *g = group_find(tenant, bytes_str(v->name));

	if (!v->multicast[0] && !v->multicast_rtp[0])
		return "off";
	return !g ? "it is not in effect at this node" : g->lacks[0] ? g->lacks : "on";
}

bool page_multicast_has(uint16_t tenant, const char *name)
{
	const struct page_group *g = group_find(tenant, bytes_str(name));

	return g && g->joined;
}

/* ---- groups ---- */

/* The address of its network at this node. False: it has no network of that name. */
static bool group_from(const struct node *n, const char *network, struct addr *out)
{
	const struct settings *s = n->settings;

	for (uint32_t i = 0; i < s->network_count; i++) {
		if (network[0] && strcmp(s->networks[i].name, network) != 0)
			continue;
		*out = s->networks[i].bind;
		return out->family == ADDR_V4;
	}
	return false;
}

/* All nodes of a cluster have the same one. */
static uint32_t group_serial(const struct node *n)
{
	uint8_t key[KEYS_LEN];
	uint32_t serial;

	keys_derive(&n->keys, "page multicast", key);
	serial = be32_get(key);
	explicit_bzero(key, sizeof(key));
	return serial;
}

static const char *group_join(const struct node *n, const struct page_group *g,
			      const struct page_value *v)
{
	struct page_cast_terms terms = { .group = g->id,
					 .channel = v->channel,
					 .ttl = v->multicast_ttl ? v->multicast_ttl : 1,
					 .serial = group_serial(n) };
	char label[2 * PAGE_PERSON_MAX];
	const char *field, *taken = group_taken(g->tenant, v, &field);

	if (taken)
		return taken;
	if (!group_from(n, v->multicast_network, &terms.from))
		return "the node has no network of IPv4 of that name";
	memcpy(terms.to, g->to, sizeof(terms.to));
	page_label(label, v);
	(void)snprintf(terms.caller, sizeof(terms.caller), "%.*s", PAGE_WIRE_CALLER, label);
	return page_cast_join(&terms, g->joined);
}

static void on_cast_events(int fd, unsigned events, void *arg);

static void page_events_watch(struct node *n)
{
	if (!g_watched && page_cast_fd() >= 0)
		g_watched = loop_watch(page_cast_fd(), LOOP_READ, on_cast_events, n) == 0;
}

void page_multicast_apply(struct node *n, uint16_t tenant, const struct page_value *v)
{
	struct page_group *g = group_find(tenant, bytes_str(v->name));
	const char *lacks = NULL;
	bool changed;

	g_page_node = n;
	if (!v->channel && !v->multicast_rtp[0]) {
		page_multicast_forget(tenant, v->name);
		return;
	}
	if (!g && g_group_count == ROOM_PAGES_MAX)
		return;
	if (!g) {
		g = &g_groups[g_group_count++];
		*g = (struct page_group){ .tenant = tenant, .id = ++g_group_last };
		(void)snprintf(g->name, sizeof(g->name), "%s", v->name);
	}
	g->channel = v->channel;
	group_addresses(g->to, v);
	if (group_is_cast(g))
		lacks = group_join(n, g, v);
	if (g->joined && (lacks || !group_is_cast(g)))
		page_cast_leave(g->id);
	g->joined = group_is_cast(g) && !lacks;
	changed = strcmp(g->lacks, lacks ? lacks : "") != 0;
	(void)snprintf(g->lacks, sizeof(g->lacks), "%s", lacks ? lacks : "");
	if (lacks && changed)
		LOG_WARN("page", 0, "a paging group has no multicast at this node",
			 LOG_STR("group", g->name),
			 LOG_STR("tenant", tenants_name(n->common.tenants, tenant)),
			 LOG_STR("reason", lacks),
			 LOG_STR("next", "look at the group's multicast fields, and at the network "
					 "that they name; it is tried again each 10 s"));
	page_events_watch(n);
}

void page_multicast_forget(uint16_t tenant, const char *name)
{
	struct page_group *g = group_find(tenant, bytes_str(name));

	if (!g)
		return;
	if (g->joined)
		page_cast_leave(g->id);
	*g = g_groups[--g_group_count];
}

/* ---- streams of rooms ---- */

static bool page_takes(struct bytes endpoint)
{
	return bytes_starts(endpoint, PAGE_WORD) || bytes_starts(endpoint, PAGE_INCOMING);
}

/* A group that is gone, or has no multicast here, fails by an event: so a phone's page ends. */
static const char *page_stream_open(const struct lives_want *want, struct media_feed *feed,
				    uint32_t rate_hz)
{
	struct node *n = g_page_node;
	bool heard = bytes_starts(want->endpoint, PAGE_INCOMING);
	struct bytes name = bytes_from(want->endpoint, strlen(heard ? PAGE_INCOMING : PAGE_WORD));
	const struct page_group *g =
		n ? group_find(tenants_find(n->common.tenants, want->tenant), name) : NULL;
	const struct page_cast_stream stream = { .group = g ? g->id : 0,
						 .id = want->id,
						 .call = want->call,
						 .feed = feed,
						 .rate_hz = rate_hz,
						 .heard = heard };

	if (!n || !page_cast_start(&stream))
		return "the node has no multicast for a paging group";
	page_events_watch(n);
	return NULL;
}

static const struct stream_carrier g_page_carrier = { .takes = page_takes,
						      .open = page_stream_open,
						      .end = page_cast_end };

void page_multicast_setup(void)
{
	plays_carry(&g_page_carrier);
}

void page_multicast_close(struct node *n)
{
	(void)n;
	if (g_watched)
		loop_unwatch(page_cast_fd());
	g_watched = false;
	page_cast_close();
}

/* ---- a page of a phone ---- */

/* Of those that are heard the node with the lowest name. */
static bool page_is_ours(const struct node *n)
{
	struct claimant_node one;
	bool ours = true;

	for (uint32_t i = 0; n->cluster->claimant && claimant_node(n->cluster->claimant, i, &one);
	     i++)
		ours &= !one.heard || roster_has_left(&one.node) ||
			strcmp(one.node.name, n->settings->node.name) > 0;
	return ours;
}

static void page_incoming(struct node *n, struct page_group *g, uint64_t now_ns)
{
	static struct page_value v;
	const char *tenant = tenants_name(n->common.tenants, g->tenant);

	if (!page_is_ours(n) ||
	    !document_stored(n, tenant, &g_page_documents, bytes_str(g->name), &v))
		return;
	page_look_up(n, tenant, &v);
	g->incoming_ns = now_ns + PAGE_INCOMING_WAIT_NS;
}

/* Its members are rung into a room without a host, which ends with the stream. */
static void page_incoming_ring(struct node *n, const struct page_group *g)
{
	static struct page_value v;
	char number[ROOM_NUMBER_MAX], endpoint[ROOM_STREAM_MAX], key[COMMAND_ID_MAX];
	const struct shard_room_order order = { .act = SHARD_ROOM_STREAM, .endpoint = endpoint };
	struct shard_conference_request o = { 0 };
	enum refusal refused = REFUSED_NO_CONFERENCE;
	uint32_t rung = 0;

	page_room(number, g->name);
	o.opens = rooms_find(n->common.rooms, g->tenant, bytes_str(number));
	(void)snprintf(endpoint, sizeof(endpoint), PAGE_INCOMING "%s", g->name);
	(void)snprintf(key, sizeof(key), "page %llu %llu", (unsigned long long)g->id,
		       (unsigned long long)rand_u64_from(&n->rand));
	if (o.opens && document_stored(n, tenants_name(n->common.tenants, g->tenant),
				       &g_page_documents, bytes_str(g->name), &v))
		rung = page_ring_members(n, g->tenant, &v, key, &o);
	if (rung)
		refused = shard_conference_order(node_core(n, o.room), o.room, &order,
						 clock_instant());
	LOG_INFO("page", o.room, "a phone pages a group by multicast", LOG_STR("group", g->name),
		 LOG_U64("rung", rung), LOG_STR("reason", refusals[refused].name));
}

static void group_again(struct node *n, const struct page_group *g)
{
	static struct page_value v;

	if (document_stored(n, tenants_name(n->common.tenants, g->tenant), &g_page_documents,
			    bytes_str(g->name), &v))
		page_multicast_apply(n, g->tenant, &v);
}

void page_multicast_second(struct node *n, uint64_t now_ns)
{
	static uint64_t again_ns;
	bool again = now_ns >= again_ns;

	if (again)
		again_ns = now_ns + PAGE_AGAIN_NS;
	for (uint32_t i = 0; i < g_group_count; i++) {
		struct page_group *g = &g_groups[i];

		if (again && g->lacks[0])
			group_again(n, g);
		if (!g->incoming_ns || now_ns < g->incoming_ns)
			continue;
		g->incoming_ns = 0;
		page_incoming_ring(n, g);
	}
}

static void page_event(struct node *n, const struct page_cast_event *e)
{
	const struct shard_room_order end = { .act = SHARD_ROOM_END };
	struct page_group *g = e->begins ? group_of_id(e->group) : NULL;

	if (g)
		page_incoming(n, g, clock_now_ns());
	if (e->begins)
		return;
	plays_live(&n->media->plays, &e->live);
	if (e->heard && (e->live.kind == LIVE_ENDED || e->live.kind == LIVE_FAILED) &&
	    shard_conference_order(node_core(n, e->live.call), e->live.call, &end, clock_instant()))
		LOG_INFO("page", e->live.call, "the conference of a phone's page has ended");
}

static void on_cast_events(int fd, unsigned events, void *arg)
{
	struct page_cast_event e;

	(void)fd;
	(void)events;
	do {
		while (page_cast_events(&e, 1) == 1)
			page_event(arg, &e);
	} while (!page_cast_wait());
}
