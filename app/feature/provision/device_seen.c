/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What was seen of a device: a small record in Redis, as values of extensions are kept there, under
 * the tenant and the MAC. A node that has seen something reads it, merges it, and writes it: times
 * only grow, and what belongs to a time goes with it. It is written twice a second at most, so a
 * boot of ten requests costs one write.
 */
#include <stdlib.h>
#include <string.h>

#include "app/command/command_walk.h"
#include "app/command/commands.h"
#include "app/document/document.h"
#include "app/feature/provision/device.h"
#include "app/feature/provision/provision_facts.h"
#include "app/node/node.h"
#include "app/node/node_shard.h"
#include "app/node/node_wait.h"
#include "base/clock.h"
#include "base/json_member.h"
#include "cluster/store/store.h"

#define SEEN_TTL_MS     (UINT64_C(400) * 86400 * 1000)
#define SEEN_NAME       "device"
#define AWAITED_MS      (UINT64_C(600) * 1000)
#define DEVICE_AWAIT_NS (10 * NS_PER_S) /* so often at least a phone is looked for until then */
#define LISTED_NS       (5 * NS_PER_S)  /* what a list has read is not read again so soon, */

enum { LOOKS_MAX = 128 };  /* nor are more read at once */
enum { AWAITED_PART = 4 }; /* a phone is looked for again in that part of its time so far */

static uint32_t g_listed;

static const char *const g_step_names[DEVICE_STEPS] = {
	[DEVICE_SYNCED] = "synced_utc_ms",         [DEVICE_ASKED] = "asked_utc_ms",
	[DEVICE_ACCEPTED] = "accepted_utc_ms",     [DEVICE_FETCHED] = "fetched_utc_ms",
	[DEVICE_REGISTERED] = "registered_utc_ms",
};

/* A record under way; the device may be gone when the answer comes. */
struct seen_run {
	struct node *node;
	uint16_t tenant;
	char mac[PHONE_MAC_LEN + 1];
	struct command_run *run; /* that waits; NULL: none */
	json_t *view;
};

void device_event(struct node *n, enum sig_event_kind kind, uint16_t tenant, const char *mac,
		  struct bytes number, const char *reason)
{
	struct sig_event event = { .kind = kind };

	event_put_str(&event, EV_DEVICE, mac);
	event_put(&event, EV_NUMBER, number);
	event_put_str(&event, EV_REASON, reason);
	node_event(n, tenants_name(n->common.tenants, tenant), &event);
}

void device_saw(struct device_entry *d, enum device_step step, uint64_t utc_ms)
{
	if (d->seen.at[step] < utc_ms)
		d->seen.at[step] = utc_ms;
	d->dirty = true;
}

/* ---- whether it has registered ---- */

/* A device with a password of its own has proven it. Else by its instance, which has its MAC (RFC
 * 4122 4.1.6: a node at the end of a UUID); else it names itself as the device does. Over FTP none
 * does, and a phone of the make counts. */
bool device_is_binding(const struct device_entry *d, const struct binding *b)
{
	struct bytes instance = text_bytes(&b->instance), agent = text_bytes(&b->user_agent);

	if (d->login.own || b->device)
		return b->device == device_mac(bytes_str(d->mac));
	for (size_t i = 0; i + PHONE_MAC_LEN <= instance.n; i++) {
		if (bytes_ieq(bytes_sub(instance, i, PHONE_MAC_LEN), bytes_str(d->mac)))
			return true;
	}
	if (instance.n || !agent.n)
		return false;
	return d->seen.agent[0]
		       ? memmem(d->seen.agent, strlen(d->seen.agent), agent.p, agent.n) != NULL
		       : bytes_starts(agent, "Polycom");
}

static void device_look(struct node *n, struct device_entry *d, const struct device_value *v,
			uint64_t now_ns)
{
	struct bytes list = bytes_str(v->extensions), number = { 0 };
	const struct aor *entry;

	(void)bytes_cut(&list, ',', &number);
	(void)device_locations_known(n, d, number, now_ns); /* it may register at another node */
	entry = locations_find(n->common.locations, d->login.of, number);
	for (uint32_t i = 0; entry && i < entry->count; i++) {
		const struct binding *b = &entry->bindings[i];
		uint64_t at = locations_wall_utc_ms(n->common.locations, b->registered_utc_ms);

		if (at < d->seen.at[DEVICE_FETCHED] || !device_is_binding(d, b))
			continue;
		memcpy(d->seen.registered, d->seen.revision, sizeof(d->seen.registered));
		if (!d->seen.agent[0])
			(void)bytes_cstr(bytes_sub(text_bytes(&b->user_agent), 0,
						   DEVICE_AGENT_MAX - 1),
					 d->seen.agent, sizeof(d->seen.agent));
		device_saw(d, DEVICE_REGISTERED, at);
		d->awaited = false;
	}
}

/* A phone that has fetched its files here registers within minutes, or is looked for no more. The
 * longer it takes, the less often: thousands that do not come would keep the loop busy. */
static void device_await(struct node *n, struct device_entry *d, uint64_t now_ns)
{
	uint64_t now_ms = clock_utc_ms(), at_ms = d->seen.at[DEVICE_FETCHED];
	uint64_t since_ms = now_ms > at_ms ? now_ms - at_ms : 0; /* clocks are set */
	uint64_t wait_ns = since_ms / AWAITED_PART * NS_PER_MS;
	struct device_value v;

	if (!d->awaited || now_ns < d->await_ns)
		return;
	d->awaited = since_ms < AWAITED_MS;
	d->await_ns = now_ns + (wait_ns < DEVICE_AWAIT_NS ? wait_ns : DEVICE_AWAIT_NS);
	if (d->awaited && device_read(n, d, &v))
		device_look(n, d, &v, now_ns);
}

/* ---- the record: times, then texts, one a line ---- */

static void seen_write(const struct device_seen *s, struct writer *w)
{
	for (int i = 0; i < DEVICE_STEPS; i++)
		writer_number(w, "", s->at[i], "\n");
	WRITER_TEXTS(w, s->revision, "\n", s->registered, "\n", s->agent, "\n", s->host, "\n");
}

/* Reads a record of Redis; unreadable values stay zero. */
static void seen_parse(struct bytes text, struct device_seen *s)
{
	struct bytes line = { 0 };

	*s = (struct device_seen){ 0 };
	for (int i = 0; i < DEVICE_STEPS; i++) {
		if (!bytes_cut(&text, '\n', &line) || bytes_u64(line, &s->at[i]))
			return;
	}
	if (bytes_cut(&text, '\n', &line))
		(void)bytes_cstr(line, s->revision, sizeof(s->revision));
	if (bytes_cut(&text, '\n', &line))
		(void)bytes_cstr(line, s->registered, sizeof(s->registered));
	if (bytes_cut(&text, '\n', &line))
		(void)bytes_cstr(line, s->agent, sizeof(s->agent));
	if (bytes_cut(&text, '\n', &line)) /* an older node does not say */
		(void)bytes_cstr(line, s->host, sizeof(s->host));
}

static void seen_merge(struct device_seen *into, const struct device_seen *from)
{
	if (from->at[DEVICE_FETCHED] > into->at[DEVICE_FETCHED])
		memcpy(into->revision, from->revision, sizeof(into->revision));
	if (from->at[DEVICE_REGISTERED] > into->at[DEVICE_REGISTERED])
		memcpy(into->registered, from->registered, sizeof(into->registered));
	if (from->at[DEVICE_ASKED] > into->at[DEVICE_ASKED])
		memcpy(into->agent, from->agent, sizeof(into->agent));
	if (from->host[0] && (!into->host[0] || from->at[DEVICE_ASKED] > into->at[DEVICE_ASKED]))
		memcpy(into->host, from->host, sizeof(into->host));
	for (int i = 0; i < DEVICE_STEPS; i++) {
		if (from->at[i] > into->at[i])
			into->at[i] = from->at[i];
	}
	/* One node has seen the files, the other that it registered, and knew older files only. */
	if (into->at[DEVICE_FETCHED] && into->at[DEVICE_REGISTERED] >= into->at[DEVICE_FETCHED])
		memcpy(into->registered, into->revision, sizeof(into->registered));
}

static struct store_kept seen_key(const struct node *n, uint16_t tenant, const char *mac)
{
	return (struct store_kept){ bytes_str(tenants_name(n->common.tenants, tenant)),
				    bytes_str(mac), SEEN_NAME };
}

/* ---- writing ---- */

static struct seen_run *seen_run_new(struct node *n, uint16_t tenant, struct bytes mac)
{
	struct seen_run *r = n->redis->store ? calloc(1, sizeof(*r)) : NULL;

	if (!r)
		return NULL;
	r->node = n;
	r->tenant = tenant;
	(void)bytes_cstr(mac, r->mac, sizeof(r->mac));
	return r;
}

static void seen_on_put(enum store_result result, bool there, struct bytes value, void *arg)
{
	struct seen_run *r = arg;
	struct device_entry *d = device_of(r->tenant, bytes_str(r->mac));

	(void)there;
	(void)value;
	if (d) {
		d->writing = false;
		d->dirty |= result != STORE_OK;
	}
	free(r);
}

static void seen_on_got(enum store_result result, bool there, struct bytes value, void *arg)
{
	struct seen_run *r = arg;
	struct device_entry *d = device_of(r->tenant, bytes_str(r->mac));
	struct store_kept key = seen_key(r->node, r->tenant, r->mac);
	char text[STORE_KEPT_MAX];
	struct writer w = writer_over(text, sizeof(text));
	struct device_seen stored;

	if (!d || result != STORE_OK) {
		seen_on_put(result, there, value, r);
		return;
	}
	if (there) {
		seen_parse(value, &stored);
		seen_merge(&d->seen, &stored);
	}
	seen_write(&d->seen, &w);
	d->dirty = false;
	store_kept_put(r->node->redis->store, &key, writer_done(&w), SEEN_TTL_MS, seen_on_put, r);
}

void device_seen_beat(struct node *n, uint64_t now_ns)
{
	struct device_entry *first, *d;
	uint32_t cursor = 0;

	device_sync_count();
	while ((first = device_next(&cursor)) != NULL) {
		for (d = first; d; d = d->next) {
			struct store_kept key = seen_key(n, d->tenant, d->mac);
			struct seen_run *r = NULL;

			device_await(n, d, now_ns);
			device_login_beat(n, d, now_ns);
			device_sync_beat(n, d, now_ns);
			if (d->dirty && !d->writing)
				r = seen_run_new(n, d->tenant, bytes_str(d->mac));
			if (!r)
				continue;
			d->writing = true;
			store_kept_get(n->redis->store, &key, seen_on_got, r);
		}
	}
}

/* ---- reading ---- */

/* Returns the device of the record that was read, or NULL if the device has gone. */
static struct device_entry *seen_read(const struct seen_run *r, enum store_result result,
				      bool there, struct bytes value)
{
	struct device_entry *d = device_of(r->tenant, bytes_str(r->mac));
	struct device_seen stored;

	if (d && result == STORE_OK && there) {
		seen_parse(value, &stored);
		seen_merge(&d->seen, &stored);
	}
	return d;
}

static void seen_on_looked(enum store_result result, bool there, struct bytes value, void *arg)
{
	g_listed--;
	(void)seen_read(arg, result, there, value);
	free(arg);
}

/* Reads the record, for the next list. */
static void device_seen_look(struct node *n, struct device_entry *d, uint64_t now_ns)
{
	struct store_kept key = seen_key(n, d->tenant, d->mac);
	struct seen_run *r;

	if (g_listed >= LOOKS_MAX || (d->looked_ns && now_ns < d->looked_ns + LISTED_NS))
		return;
	r = seen_run_new(n, d->tenant, bytes_str(d->mac));
	if (!r)
		return;
	d->looked_ns = now_ns;
	g_listed++;
	store_kept_get(n->redis->store, &key, seen_on_looked, r);
}

static void seen_on_refreshed(enum store_result result, bool there, struct bytes value, void *arg)
{
	struct device_entry *d = seen_read(arg, result, there, value);

	if (d)
		d->sync_read = true;
	free(arg);
}

void device_seen_refresh(struct node *n, struct device_entry *d)
{
	struct store_kept key = seen_key(n, d->tenant, d->mac);
	struct seen_run *r = seen_run_new(n, d->tenant, bytes_str(d->mac));

	if (r)
		store_kept_get(n->redis->store, &key, seen_on_refreshed, r);
	else
		d->sync_read = true;
}

/* PROV-01, PROV-02: firmware that each generation of files is for, by the start of its version. */
static const struct firmware_row {
	const char *generation, *family, *version;
} g_known_firmware[] = {
	{ "8.5", "PolycomVVX", "5.4.2.6345" },
	{ "8.5", "PolycomVVX", "5.5.1." },
	{ "8.5", "PolycomSoundPointIP", "4.0.4.2906" },
	{ "8.5", "PolycomSoundStationIP", "4.0.8.1972" },
	{ "7.0", "PolycomSoundPointIP", "3.2.7" },
	{ "7.0", "PolycomSoundStationIP", "3.2.7" },
};

static size_t agent_find(struct bytes agent, const char *text)
{
	const uint8_t *at = agent.n ? memmem(agent.p, agent.n, text, strlen(text)) : NULL;

	return at ? (size_t)(at - agent.p) : agent.n;
}

/* "FileTransport PolycomVVX-VVX_410-UA/5.4.2.6345 (SN:...)": the version, or empty. */
static struct bytes agent_firmware(struct bytes agent)
{
	static const char before[] = "-UA/";
	size_t at = agent_find(agent, before);

	if (at >= agent.n)
		return (struct bytes){ 0 };
	agent = bytes_from(agent, at + sizeof(before) - 1);
	return bytes_sub(agent, 0, bytes_find(agent, ' '));
}

static bool firmware_is_known(struct bytes agent, const char *generation)
{
	struct bytes version = agent_firmware(agent);

	for (size_t i = 0; i < COUNT_OF(g_known_firmware); i++) {
		if (!strcmp(g_known_firmware[i].generation, generation) &&
		    bytes_starts(version, g_known_firmware[i].version) &&
		    agent_find(agent, g_known_firmware[i].family) < agent.n)
			return true;
	}
	return false;
}

static json_t *seen_json(const struct device_seen *s, const char *generation)
{
	json_t *json = json_object();

	for (int i = 0; i < DEVICE_STEPS; i++)
		(void)json_object_set_new(json, g_step_names[i],
					  json_integer((json_int_t)s->at[i]));
	(void)json_object_set_new(json, "stale",
				  json_boolean(s->at[DEVICE_ACCEPTED] &&
					       s->at[DEVICE_ASKED] > s->at[DEVICE_ACCEPTED]));
	(void)json_object_set_new(json, "revision", json_string(s->revision));
	(void)json_object_set_new(json, "registered_revision", json_string(s->registered));
	(void)json_object_set_new(json, "user_agent", command_text_json(bytes_str(s->agent)));
	(void)json_object_set_new(json, "firmware",
				  command_text_json(agent_firmware(bytes_str(s->agent))));
	(void)json_object_set_new(json, "firmware_known",
				  json_boolean(firmware_is_known(bytes_str(s->agent), generation)));
	return json;
}

/* Adds a row, also of a phone that is away. The next list has what other nodes saw since. */
static bool device_row(const struct command_run *run, const struct command_span *span,
		       struct command_walk_at *at, bool show, struct command_walk_entry *out)
{
	struct device_entry *d;

	if (!command_document_look(run, span, at, show, out))
		return false;
	d = device_of(document_tenant(run), bytes_str(out->key));
	if (out->wanted && command_value(run, "changed")->number &&
	    !(d && provision_is_changed(run->node, d))) {
		json_decref(out->json);
		out->json = NULL;
		out->wanted = false;
	}
	if (!d || !out->json)
		return true;
	device_seen_look(run->node, d, clock_now_ns());
	(void)json_object_set_new(
		out->json, "seen",
		seen_json(&d->seen, json_string_value(json_object_get(out->json, "generation"))));
	return true;
}

void command_device_list(struct command_run *run)
{
	command_walk_start(run, device_row);
}

static void seen_on_read(enum store_result result, bool there, struct bytes value, void *arg)
{
	struct seen_run *r = arg;
	const struct device_entry *d = device_of(r->tenant, bytes_str(r->mac));
	struct device_seen seen = { 0 }, stored;

	if (d)
		seen = d->seen;
	if (result == STORE_OK && there) {
		seen_parse(value, &stored);
		seen_merge(&seen, &stored);
	}
	(void)json_object_set_new(
		r->view, "seen",
		seen_json(&seen, json_string_value(json_object_get(r->view, "generation"))));
	command_answer(r->run, r->view);
	free(r);
}

void device_seen_answer(struct command_run *run, json_t *view, struct bytes mac)
{
	uint16_t tenant = document_tenant(run);
	struct seen_run *r = seen_run_new(run->node, tenant, mac);
	struct store_kept key;

	if (!r) {
		json_decref(view);
		command_fail(run, COMMAND_UNAVAILABLE, NULL, "Redis is away");
		return;
	}
	r->run = run;
	r->view = view;
	key = seen_key(run->node, tenant, r->mac);
	store_kept_get(run->node->redis->store, &key, seen_on_read, r);
}
