/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Paging groups with a channel, or on multicast addresses that the operator allows their tenant. Of
 * a page to phones this is the other end of the room's stream "page:NAME", of a page by a phone
 * that of "heard:NAME". Both are in the room's record, so a successor goes on with them. A phone's
 * page is heard by all nodes of a cluster; one of them begins it. Control thread.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/command/command_tenant.h"
#include "app/document/document.h"
#include "app/effect/plays.h"
#include "app/feature/page/page.h"
#include "app/feature/page/page_cast.h"
#include "app/helper/webhook.h"
#include "app/node/claimant.h"
#include "app/node/node.h"
#include "app/node/node_cluster.h"
#include "app/node/node_life.h"
#include "app/node/node_media.h"
#include "app/node/node_shard.h"
#include "app/node/node_sip.h"
#include "app/schema/tenant_field.h"
#include "app/settings/settings.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/loop.h"
#include "cluster/identity.h"
#include "cluster/peer/peers.h"
#include "sig/pbx/page.h"
#include "sig/room/room.h"
#include "sig/shard/shard.h"

enum { PAGE_EVENTS_MAX = 64, PAGE_INCOMING_MAX = 16 }; /* of a round; groups at a time */

/* So long members' registrations are waited for, and what other nodes report. */
#define PAGE_INCOMING_WAIT_NS (200 * NS_PER_MS)
/* Groups without multicast are tried again so often: an address or a link may have come. */
#define PAGE_AGAIN_NS (10 * NS_PER_S)
/* From one page of a phone to the next of its group, at least: anybody may send packets. */
#define PAGE_APART_NS (3 * NS_PER_S)
/* Behind why a group has none. */
#define PAGE_NEXT "name another network or address by page.put, or ip link set DEVICE multicast on"

static_assert(sizeof(ROOM_STREAM_SOURCE) - 1 + PAGE_NAME_MAX <= ROOM_STREAM_MAX,
	      "its stream has a name");

static struct page_group {
	uint64_t id; /* of page_cast.h */
	uint16_t tenant;
	char name[PAGE_NAME_MAX];
	uint8_t channel;                /* 0: none */
	struct addr to[PAGE_CAST_WAYS]; /* ADDR_NONE: not by this way */
	bool joined;
	uint64_t changed_utc_ms;    /* its document: of two with one address the older one has it */
	uint64_t incoming_ns;       /* a phone's page is to begin then; 0: none is */
	uint64_t last_ns;           /* of the last BEGINS that was taken; 0: none */
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

static bool names_have(const char *list, struct bytes name)
{
	struct bytes left = bytes_str(list), one;

	while (bytes_cut(&left, ',', &one)) {
		if (bytes_eq(bytes_trim(one), name))
			return true;
	}
	return false;
}

uint8_t page_channels(const struct node *n, uint16_t tenant, struct bytes number,
		      struct page_channel out[PAGE_CHANNELS])
{
	const struct page_choice_value *choice = page_choice_find(tenant, number);
	uint8_t first = PAGE_CHANNEL_DEFAULT;
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
		if (!names_have(v.members, number) && !names_have(v.listeners, number))
			continue;
		c->heard = true;
		c->subscribed |= page_is_wanted(choice, &v);
		if (choice && !strcmp(choice->default_group, v.name))
			first = v.channel;
		if (c->address.family == ADDR_NONE)
			c->address = g->to[PAGE_CAST_POLYCOM];
	}
	return first;
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

/* Where phones of a group hear by that way. One with a channel alone has that of their makers, and
 * the node sends nothing there. */
static struct addr group_received(const struct page_group *g, int way)
{
	static const struct addr makers = { .family = ADDR_V4,
					    .ip = { 224, 0, 1, 116 },
					    .port = 5001 };

	return way == PAGE_CAST_POLYCOM && g->channel && g->to[way].family == ADDR_NONE
		       ? makers
		       : g->to[way];
}

/* Groups of a tenant share an address for Polycom's packets, which name their channel; all else is
 * one group's, but for two where the node sends for neither. NULL: they have none in common; *way:
 * by which the first one has it. */
static const char *groups_share(const struct page_group *one, const struct page_group *other,
				int *way)
{
	bool own = one->tenant == other->tenant;

	for (int i = 0; i < PAGE_CAST_WAYS * PAGE_CAST_WAYS; i++) {
		int at = i / PAGE_CAST_WAYS, k = i % PAGE_CAST_WAYS;
		struct addr a = group_received(one, at), b = group_received(other, k);

		if (a.family == ADDR_NONE || !addr_eq(&a, &b) ||
		    (own && at == PAGE_CAST_POLYCOM && k == PAGE_CAST_POLYCOM) ||
		    (one->to[at].family == ADDR_NONE && other->to[k].family == ADDR_NONE))
			continue;
		*way = at;
		return own ? "another paging group has this address and port"
			   : "another tenant has this address and port";
	}
	return NULL;
}

/* All nodes decide alike. */
static bool group_is_older(const struct node *n, const struct page_group *one,
			   const struct page_group *other)
{
	int order = strcmp(tenants_name(n->common.tenants, one->tenant),
			   tenants_name(n->common.tenants, other->tenant));

	if (one->changed_utc_ms != other->changed_utc_ms)
		return one->changed_utc_ms < other->changed_utc_ms;
	return order ? order < 0 : strcmp(one->name, other->name) < 0;
}

static struct page_group group_of_value(uint16_t tenant, const struct page_value *v)
{
	struct page_group g = { .tenant = tenant,
				.channel = v->channel,
				.changed_utc_ms = v->changed_utc_ms };

	(void)snprintf(g.name, sizeof(g.name), "%s", v->name);
	group_addresses(g.to, v);
	return g;
}

static const char *const g_way_fields[] = { "multicast", "multicast_rtp" };

/* Returns why the group may not have its addresses, and the field; NULL: it may. older: groups
 * with a later document do not count. */
static const char *group_taken(const struct node *n, const struct page_group *g, bool older,
			       const char **field)
{
	struct addr polycom = group_received(g, PAGE_CAST_POLYCOM);
	const char *taken = NULL;
	int way = PAGE_CAST_RTP;

	for (uint32_t i = 0; !taken && i < g_group_count; i++) {
		const struct page_group *other = &g_groups[i];

		if ((other->tenant != g->tenant || strcmp(other->name, g->name) != 0) &&
		    (!older || group_is_older(n, other, g)))
			taken = groups_share(g, other, &way);
	}
	if (!taken && polycom.family != ADDR_NONE && addr_eq(&polycom, &g->to[PAGE_CAST_RTP]))
		taken = "multicast has this address and port, too";
	*field = g_way_fields[way];
	return taken;
}

static bool addresses_have(const char *list, const struct addr *a)
{
	struct webhook_network nets[WEBHOOK_NETWORKS_MAX];
	size_t count;
	bool has = false;

	if (webhook_networks_read(nets, &count, bytes_str(list)))
		return false;
	for (size_t i = 0; i < count; i++)
		has |= addr_is_within(a, &nets[i].net, nets[i].bits);
	return has;
}

/* Returns why the operator does not allow the group its multicast, and the field; NULL: it is
 * allowed. */
static const char *group_barred(const struct node *n, const struct page_group *g,
				const struct page_value *v, const char **field)
{
	const char *first = n->settings->networks[0].name;
	const char *network = v->multicast_network[0] ? v->multicast_network : first;
	struct tenant_value t;

	if (!group_is_cast(g))
		return NULL;
	if (!command_tenant_value(n, tenants_name(n->common.tenants, g->tenant), &t))
		t = (struct tenant_value){ 0 };
	for (int i = 0; i < PAGE_CAST_WAYS; i++) {
		*field = g_way_fields[i];
		if (g->to[i].family != ADDR_NONE &&
		    !addresses_have(t.multicast.addresses, &g->to[i]))
			return "multicast_addresses of its tenant (tenant.put) has it not";
	}
	*field = "multicast_network";
	if (!names_have(t.multicast.networks[0] ? t.multicast.networks : first, bytes_str(network)))
		return "multicast_networks of its tenant (tenant.put) has it not";
	*field = "multicast_ttl";
	return v->multicast_ttl > 1 && v->multicast_ttl > t.multicast.ttl
		       ? "multicast_ttl of its tenant (tenant.put) is less"
		       : NULL;
}

const char *page_multicast_wrong(const struct node *n, uint16_t tenant, const struct page_value *v,
				 const char **field)
{
	const struct page_group g = group_of_value(tenant, v);
	const char *taken = group_taken(n, &g, false, field);

	if (taken)
		return taken;
	taken = group_barred(n, &g, v, field);
	if (taken || !v->multicast[0] || v->channel)
		return taken;
	*field = "channel";
	return "a group with `multicast` has a channel, from 1 to 25";
}

/* Warns of a second group with the channel: phones hear the pages of both. */
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
		(void)json_array_append_new(out,
					    json_sprintf("multicast: %s: " PAGE_NEXT, own->lacks));
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
	const char *field, *wrong = group_taken(n, g, true, &field);

	if (!wrong)
		wrong = group_barred(n, g, v, &field);
	if (wrong)
		return wrong;
	if (!group_from(n, v->multicast_network, &terms.from))
		return "the node has no network of IPv4 of that name";
	memcpy(terms.to, g->to, sizeof(terms.to));
	page_label(label, v);
	(void)snprintf(terms.caller, sizeof(terms.caller), "%.*s", PAGE_WIRE_CALLER, label);
	return page_cast_join(&terms, g->joined);
}

static void on_cast_events(int fd, unsigned events, void *arg);

/* ---- conferences of a group at this node ---- */

static void page_room_end(const struct node *n, const struct page_group *g, uint64_t room)
{
	const struct shard_room_order end = { .act = SHARD_ROOM_END };
	enum refusal refused =
		shard_conference_order(node_core(n, room), room, &end, clock_instant());

	LOG_INFO("page", room, "a page of a phone is over", LOG_STR("group", g->name),
		 LOG_STR("reason", refusals[refused].name));
}

/* A phone's page that nobody has answered has no stream to end with. */
static void page_heard_end(const struct node *n, const struct page_group *g)
{
	struct room_view room;

	if (page_room_find(n, g->tenant, g->name, &room) &&
	    bytes_starts(bytes_str(room.endpoint), ROOM_STREAM_SOURCE))
		page_room_end(n, g, room.room);
}

/* ---- groups that come and go ---- */

static void page_events_watch(struct node *n)
{
	if (!g_watched && page_cast_fd() >= 0)
		g_watched = loop_watch(page_cast_fd(), LOOP_READ, on_cast_events, n) == 0;
}

/* Its members are rung no more for a page of a phone. */
static void group_leave(struct node *n, struct page_group *g)
{
	if (!g->joined)
		return;
	page_cast_leave(g->id);
	page_heard_end(n, g);
	g->joined = false;
}

/* Later groups leave the addresses of that one; group_again says so in the log. */
static void groups_yield(struct node *n, const struct page_group *g)
{
	int way;

	for (uint32_t i = 0; i < g_group_count; i++) {
		struct page_group *other = &g_groups[i];

		if (other == g || !other->joined || !group_is_older(n, g, other) ||
		    !groups_share(other, g, &way))
			continue;
		group_leave(n, other);
		(void)snprintf(other->lacks, sizeof(other->lacks), "%s",
			       groups_share(other, g, &way));
	}
}

void page_multicast_apply(struct node *n, uint16_t tenant, const struct page_value *v)
{
	struct page_group *g = group_find(tenant, bytes_str(v->name));
	const char *lacks = NULL;
	struct page_group terms = group_of_value(tenant, v);
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
		terms.id = ++g_group_last;
		*g = terms;
	}
	g->channel = terms.channel;
	g->changed_utc_ms = terms.changed_utc_ms;
	memcpy(g->to, terms.to, sizeof(g->to));
	if (group_is_cast(g))
		lacks = group_join(n, g, v);
	if (lacks || !group_is_cast(g))
		group_leave(n, g);
	g->joined = group_is_cast(g) && !lacks;
	groups_yield(n, g);
	changed = strcmp(g->lacks, lacks ? lacks : "") != 0;
	(void)snprintf(g->lacks, sizeof(g->lacks), "%s", lacks ? lacks : "");
	if (lacks && changed)
		LOG_WARN("page", 0, "a paging group has no multicast at this node",
			 LOG_STR("group", g->name),
			 LOG_STR("tenant", tenants_name(n->common.tenants, tenant)),
			 LOG_STR("reason", lacks),
			 LOG_STR("next", PAGE_NEXT "; it is tried again each 10 s"));
	page_events_watch(n);
}

void page_multicast_forget(uint16_t tenant, const char *name)
{
	struct page_group *g = group_find(tenant, bytes_str(name));

	if (!g)
		return;
	if (g_page_node)
		group_leave(g_page_node, g);
	*g = g_groups[--g_group_count];
}

/* ---- streams of rooms ---- */

static bool page_takes(struct bytes endpoint)
{
	return bytes_starts(endpoint, PAGE_WORD) || bytes_starts(endpoint, ROOM_STREAM_SOURCE);
}

/* A group that is gone, or has no multicast here, fails by an event: so a phone's page ends. */
static const char *page_stream_open(const struct lives_want *want, struct media_feed *feed,
				    uint32_t rate_hz)
{
	struct node *n = g_page_node;
	bool heard = bytes_starts(want->endpoint, ROOM_STREAM_SOURCE);
	struct bytes name =
		bytes_from(want->endpoint, strlen(heard ? ROOM_STREAM_SOURCE : PAGE_WORD));
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
	bells_close();
	page_choices_close();
}

/* ---- a page of a phone ---- */

/* It may begin a page, or (again) may have begun one. */
static bool node_pages(const struct node *n, const struct roster_node *node, bool again,
		       uint64_t now_ns)
{
	const struct standing *says = claimant_standing(n->cluster->claimant, node->id);

	return !roster_has_left(node) && node->shard_count &&
	       (again || !says || !standing_drains(says, now_ns));
}

/* Of those that are heard, and take calls, the node with the lowest name. again: not while
 * the pages of one that may be gone can still be taken over. */
static bool page_is_ours(const struct node *n, bool again, uint64_t now_ns)
{
	struct claimant_node one;
	bool ours = node_shards_live(n) && !node_is_draining(n);

	for (uint32_t i = 0; n->cluster->claimant && claimant_node(n->cluster->claimant, i, &one);
	     i++) {
		int order = strcmp(one.node.name, n->settings->node.name);

		if (order && one.heard)
			ours &= order > 0 || !node_pages(n, &one.node, again, now_ns);
		else if (order && again)
			ours &= !one.alive || roster_has_left(&one.node);
	}
	return ours;
}

bool page_node_begins(const struct node *n, uint64_t now_ns)
{
	return page_is_ours(n, false, now_ns);
}

static uint32_t groups_incoming(void)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < g_group_count; i++)
		count += g_groups[i].incoming_ns != 0;
	return count;
}

/* Takes a BEGINS. One that is not taken is repeated by the thread a second later. */
static void page_incoming(struct node *n, struct page_group *g, bool again, uint64_t now_ns)
{
	static struct page_value v;
	const char *tenant = tenants_name(n->common.tenants, g->tenant);
	struct room_view room;

	if (g->incoming_ns || (g->last_ns && now_ns - g->last_ns < PAGE_APART_NS) ||
	    groups_incoming() >= PAGE_INCOMING_MAX || !page_is_ours(n, again, now_ns))
		return;
	g->last_ns = now_ns;
	if (page_room_find(n, g->tenant, g->name, &room) ||
	    !document_stored(n, tenant, &g_page_documents, bytes_str(g->name), &v))
		return;
	page_look_up(n, tenant, &v);
	g->incoming_ns = now_ns + PAGE_INCOMING_WAIT_NS;
}

/* Its members are rung into a room without a host, which ends with the stream. */
static void page_incoming_ring(struct node *n, const struct page_group *g)
{
	static struct page_value v;
	struct room_view room;
	char number[ROOM_NUMBER_MAX], endpoint[ROOM_STREAM_MAX], key[COMMAND_ID_MAX];
	const struct shard_room_order order = { .act = SHARD_ROOM_STREAM, .endpoint = endpoint };
	struct shard_conference_request o = { 0 };
	enum refusal refused = REFUSED_NO_CONFERENCE;
	uint32_t rung = 0;

	page_room(number, g->name);
	o.opens = rooms_find(n->common.rooms, g->tenant, bytes_str(number));
	(void)snprintf(endpoint, sizeof(endpoint), ROOM_STREAM_SOURCE "%s", g->name);
	(void)snprintf(key, sizeof(key), "page %llu %llu", (unsigned long long)g->id,
		       (unsigned long long)rand_u64_from(&n->rand));
	/* Another page has begun meanwhile, or the command ring is full: BEGINS is repeated. */
	if (page_room_find(n, g->tenant, g->name, &room) || !page_cast_bridge(g->id))
		return;
	if (o.opens && document_stored(n, tenants_name(n->common.tenants, g->tenant),
				       &g_page_documents, bytes_str(g->name), &v))
		rung = page_ring_members(n, g->tenant, &v, key, &o);
	if (rung)
		refused = shard_conference_order(node_core(n, o.room), o.room, &order,
						 clock_instant());
	if (rung && refused)
		page_room_end(n, g, o.room);
	LOG_INFO("page", o.room, "a phone pages a group by multicast", LOG_STR("group", g->name),
		 LOG_U64("rung", rung), LOG_STR("reason", refusals[refused].name));
}

/* Joins a group again: its network may have come, or its tenant's permission may be gone. */
static void group_again(struct node *n, const struct page_group *g)
{
	static struct page_value v;
	const char *field;

	if (document_stored(n, tenants_name(n->common.tenants, g->tenant), &g_page_documents,
			    bytes_str(g->name), &v) &&
	    (g->lacks[0] || group_barred(n, g, &v, &field)))
		page_multicast_apply(n, g->tenant, &v);
}

/* /healthz has the first group without multicast. */
static void page_health(struct node *n)
{
	char detail[HEALTH_DETAIL_MAX] = "";

	for (uint32_t i = 0; !detail[0] && i < g_group_count; i++) {
		const struct page_group *g = &g_groups[i];

		if (g->lacks[0])
			(void)snprintf(detail, sizeof(detail),
				       "tenant %s, group %s: %s: " PAGE_NEXT,
				       tenants_name(n->common.tenants, g->tenant), g->name,
				       g->lacks);
	}
	health_set_reason(&n->web->health, HEALTH_MULTICAST, detail);
}

void page_multicast_second(struct node *n, uint64_t now_ns)
{
	static uint64_t again_ns;
	bool again = now_ns >= again_ns;

	if (again)
		again_ns = now_ns + PAGE_AGAIN_NS;
	page_cast_again();
	for (uint32_t i = 0; i < g_group_count; i++) {
		struct page_group *g = &g_groups[i];

		if (again && group_is_cast(g))
			group_again(n, g);
		if (!g->incoming_ns || now_ns < g->incoming_ns)
			continue;
		g->incoming_ns = 0;
		if (page_is_ours(n, false, now_ns)) /* a node late to be heard has it itself */
			page_incoming_ring(n, g);
	}
	page_health(n);
}

static void page_event(struct node *n, const struct page_cast_event *e)
{
	struct page_group *g = group_of_id(e->group);

	if (e->kind == PAGE_CAST_STREAM)
		plays_live(&n->media->plays, &e->live);
	else if (g && e->kind == PAGE_CAST_BEGINS)
		page_incoming(n, g, e->again, clock_now_ns());
	else if (g)
		page_heard_end(n, g);
}

static void on_cast_events(int fd, unsigned events, void *arg)
{
	struct page_cast_event e;
	uint32_t left = PAGE_EVENTS_MAX;

	(void)fd;
	(void)events;
	do {
		for (; left && page_cast_events(&e, 1) == 1; left--)
			page_event(arg, &e);
	} while (left && !page_cast_wait()); /* else it is called again at once */
}
