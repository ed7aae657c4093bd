/* SPDX-License-Identifier: Apache-2.0 */
/* Settings for tandem-store as JSON (app/deliver/terms.h): destinations, tenants, certificates, and
 * secrets, which the node reads from their files. Also the list of nodes that exchange copies
 * (docs/adr/0048), and connections at cluster.listen, which are passed on to the process. No octet
 * of a recording goes through the node. */

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/child/descriptors.h"
#include "app/feature/recording/deliver.h"
#include "app/node/claimant.h"
#include "app/node/node.h"
#include "app/node/node_cluster.h"
#include "app/node/node_file.h"
#include "app/node/node_life.h"
#include "app/node/node_sip.h"
#include "app/record/envelope.h"
#include "app/schema/tenant_field.h"
#include "app/settings/settings.h"
#include "base/clock.h"
#include "base/json_member.h"
#include "base/log.h"

/* Certificates that recordings are encrypted for, from files. tandem-store gets their text. */

/* tenant "": of all. What cannot be used is told as well: those recordings wait then. */
static json_t *seal_json(const char *tenant, const char *path)
{
	static char pem[ENVELOPE_PEM_MAX]; /* control alone */
	char reason[ENVELOPE_REASON_MAX], fault[256] = "";
	uint64_t expires;

	if (!node_certificate_read(path, pem, reason, &expires)) {
		LOG_ERROR("recordings", 0,
			  "a certificate of recordings cannot be used: they are not encrypted, and "
			  "go nowhere",
			  LOG_STR("file", path), LOG_STR("why", reason));
		(void)snprintf(fault, sizeof(fault), "%s: %.160s", path, reason);
		pem[0] = '\0';
	} else if (expires < clock_utc_ms() / 1000) {
		LOG_WARN("recordings", 0,
			 "a certificate of recordings has expired: it is used all the same; give a "
			 "new one",
			 LOG_STR("file", path));
	}
	return json_pack("{s:s, s:s, s:s}", "tenant", tenant, "pem", pem, "fault", fault);
}

/* Its member of certificates: an array. */
static json_t *node_deliver_certificates(const struct node *n)
{
	const struct settings_recordings *r = &n->settings->recordings;
	json_t *list = json_array();

	if (r->certificate[0])
		(void)json_array_append_new(list, seal_json("", r->certificate));
	for (uint32_t i = 0; i < r->tenant_certificate_count; i++)
		(void)json_array_append_new(list, seal_json(r->tenant_certificates[i].tenant,
							    r->tenant_certificates[i].file));
	return list;
}

/* Copies of recordings on other nodes (docs/adr/0048): the tandem-store processes exchange them.
 * The node tells its own the list of nodes, and hands over connections that others open at
 * cluster.listen. No octet of a recording goes through the node. */

enum { ID_TEXT_MAX = 17, LATE_MS = 60000, LATE_TIMES = 3 };

static struct {
	metric_id behind, held, sent, refused, full, adopted;
} g_copies;

const struct metric_def g_copy_metric_rows[] = {
	{ &g_copies.behind, METRIC_GAUGE, "tandem_recording_copies_behind_seconds",
	  "For how long another node does not have all that is not stored yet." },
	{ &g_copies.held, METRIC_GAUGE, "tandem_recording_copies_held_bytes",
	  "Octets of copies of other nodes' recordings." },
	{ &g_copies.sent, METRIC_COUNTER, "tandem_recording_copies_sent_bytes_total",
	  "Octets of recordings that went to another node." },
	{ &g_copies.refused, METRIC_COUNTER, "tandem_recording_copies_refused_total",
	  "Times that the other node had no room for them." },
	{ &g_copies.full, METRIC_COUNTER, "tandem_recording_copies_full_total",
	  "Times that other nodes were refused here (recordings.copies_mib)." },
	{ &g_copies.adopted, METRIC_COUNTER, "tandem_recordings_adopted_total",
	  "Recordings of nodes that are gone, which are delivered from their copies here." },
	{ NULL },
};

static const char *copies_id(uint64_t id, char out[ID_TEXT_MAX])
{
	(void)snprintf(out, ID_TEXT_MAX, "%016" PRIx64, id);
	return out;
}

/* Terms of copies; NULL: none. */
static json_t *node_deliver_copies(const struct node *n)
{
	const struct settings_recordings *r = &n->settings->recordings;
	char self[ID_TEXT_MAX], process[ID_TEXT_MAX], key[2 * KEYS_LEN + 1];
	struct writer w = writer_over(key, sizeof(key));
	uint8_t octets[KEYS_LEN];
	uint64_t id, incarnation;
	json_t *copies;

	if (!n->cluster->claimant || !r->copies)
		return NULL;
	claimant_self(n->cluster->claimant, &id, &incarnation);
	keys_derive(&n->keys, "tandem copies 1", octets);
	writer_hex(&w, bytes_mem(octets, sizeof(octets)));
	writer_u8(&w, '\0');
	copies = json_pack("{s:s, s:s, s:s, s:I, s:I, s:I}", "id", copies_id(id, self),
			   "incarnation", copies_id(incarnation, process), "key", key, "octets",
			   (json_int_t)((uint64_t)r->copies_mib << 20), "wait_ms",
			   (json_int_t)(r->copies_wait / NS_PER_MS), "every_ms",
			   (json_int_t)(r->copies_every / NS_PER_MS));
	explicit_bzero(octets, sizeof(octets));
	explicit_bzero(key, sizeof(key));
	return copies;
}

static json_t *copies_nodes(const struct node *n)
{
	json_t *list = json_array();
	struct claimant_node node;
	char id[ID_TEXT_MAX];

	for (uint32_t i = 0; claimant_node(n->cluster->claimant, i, &node); i++)
		(void)json_array_append_new(
			list, json_pack("{s:s, s:s, s:b}", "id", copies_id(node.node.id, id),
					"address", node.node.address, "alive", (int)node.alive));
	return list;
}

void node_deliver_tell_nodes(struct node *n)
{
	json_t *list =
		n->cluster->claimant && n->settings->recordings.copies ? copies_nodes(n) : NULL;
	char *text = list ? json_dumps(list, JSON_COMPACT) : NULL;

	if (!text || (g_deliver.told && !strcmp(text, g_deliver.told))) {
		json_decref(list);
		free(text);
		return;
	}
	free(g_deliver.told);
	g_deliver.told = text;
	child_send(&g_deliver.child, json_pack("{s:o}", "nodes", list));
}

/* The process does not read for a moment: the other one tries again. */
void node_deliver_pass_on(struct node *n, int fd, const uint8_t *hello, size_t length)
{
	int hands = g_deliver.child.hands;

	(void)n;
	if (hands >= 0)
		(void)!descriptors_send(hands, bytes_mem(hello, length), &fd, 1, MSG_DONTWAIT);
	(void)close(fd);
}

void node_deliver_copies_figures(struct node *n, const json_t *f)
{
	uint64_t behind_ms = json_count(f, "behind_ms");
	uint64_t every_ms = n->settings->recordings.copies_every / NS_PER_MS;

	metric_set(g_copies.behind, behind_ms / 1000);
	metric_set(g_copies.held, json_count(f, "held"));
	node_deliver_count(g_copies.sent, json_count(f, "sent"), &g_deliver.shown.copies_sent);
	node_deliver_count(g_copies.refused, json_count(f, "refused"),
			   &g_deliver.shown.copies_refused);
	node_deliver_count(g_copies.full, json_count(f, "full"), &g_deliver.shown.copies_full);
	node_deliver_count(g_copies.adopted, json_count(f, "adopted"), &g_deliver.shown.adopted);
	health_set(&n->web->health, HEALTH_RECORDINGS_UNCOPIED,
		   behind_ms > LATE_MS && behind_ms > LATE_TIMES * every_ms);
}

/* So long before may be what a Redis that fails has acknowledged, and lost. */
enum { MAIL_MIB = 20, SETTLE_MS = 10000 };

static json_t *terms_names(const char (*list)[SETTINGS_DESTINATION_NAME_MAX], uint32_t count)
{
	json_t *names = json_array();

	for (uint32_t i = 0; i < count; i++)
		(void)json_array_append_new(names, json_string(list[i]));
	return names;
}

static void terms_texts(json_t *json, const struct settings_destination *d)
{
	const char *const texts[][2] = {
		{ "name", d->name },     { "url", d->url },
		{ "user", d->user },     { "key_file", d->key_file },
		{ "ca", d->ca },         { "known_hosts", d->known_hosts },
		{ "bucket", d->bucket }, { "region", d->region },
		{ "from", d->from },
	};

	for (size_t i = 0; i < COUNT_OF(texts); i++)
		(void)json_object_set_new(json, texts[i][0], json_string(texts[i][1]));
}

static json_t *terms_destination(const struct settings_destination *d)
{
	static const char *const kinds[] = { "directory", "s3", "http", "sftp", "ftp", "mail" };
	uint64_t mib = !d->max_mib && d->kind == SETTINGS_MAIL ? MAIL_MIB : d->max_mib;
	json_t *json = json_object(), *to = json_array();
	char secret[NODE_SECRET_MAX], fault[256];
	const char *why = node_secret_read(d->password_file, secret);

	terms_texts(json, d);
	for (uint32_t i = 0; i < d->to_count; i++)
		(void)json_array_append_new(to, json_string(d->to[i]));
	if (why) {
		(void)snprintf(fault, sizeof(fault), "password_file of %s cannot be used: %s",
			       d->name, why);
		LOG_ERROR("recordings", 0, "password_file of a destination cannot be used",
			  LOG_STR("destination", d->name), LOG_STR("file", d->password_file),
			  LOG_STR("why", why));
		(void)json_object_set_new(json, "fault", json_string(fault));
	}
	(void)json_object_set_new(json, "kind", json_string(kinds[d->kind]));
	(void)json_object_set_new(json, "secret", json_string(secret));
	(void)json_object_set_new(json, "to", to);
	(void)json_object_set_new(json, "most", json_integer((json_int_t)(mib << 20)));
	(void)json_object_set_new(json, "part", json_integer((json_int_t)d->part_mib << 20));
	(void)json_object_set_new(json, "path_style", json_boolean(d->path_style));
	(void)json_object_set_new(json, "starttls", json_boolean(d->starttls));
	(void)json_object_set_new(json, "metadata", json_boolean(d->metadata));
	explicit_bzero(secret, sizeof(secret));
	return json;
}

static json_t *terms_tenant_stores(const struct settings_recordings *r,
				   const struct tenant_value *t)
{
	struct bytes list = bytes_str(t->recordings.store), one;
	json_t *names;

	if (!list.n)
		return terms_names(r->deliver, r->deliver_count);
	names = json_array();
	while (!bytes_is(bytes_str(t->recordings.store), TENANT_STORE_NONE) &&
	       bytes_cut(&list, ',', &one))
		(void)json_array_append_new(names, json_stringn((const char *)one.p, one.n));
	return names;
}

/* Of those that say anything. */
static json_t *store_tenants_json(const struct node *n)
{
	json_t *list = json_array();

	for (uint16_t i = 0; tenants_next(n->common.tenants, &i); i++) {
		struct tenant_value t;

		if (!n->hooks->tenant_value(n, tenants_name(n->common.tenants, i), &t) ||
		    (!t.recordings.store[0] && !t.recordings.days && !t.recordings.mib))
			continue;
		(void)json_array_append_new(
			list, json_pack("{s:s, s:o, s:I, s:I}", "name", t.name, "deliver",
					terms_tenant_stores(&n->settings->recordings, &t),
					"keep_days", (json_int_t)t.recordings.days, "keep_octets",
					(json_int_t)((uint64_t)t.recordings.mib << 20)));
	}
	return list;
}

/* The key of messages: each node of the cluster plays them. */
static void terms_messages(const struct node *n, json_t *settings)
{
	char key[2 * KEYS_LEN + 1];
	struct writer w = writer_over(key, sizeof(key));
	uint8_t octets[KEYS_LEN];

	keys_derive(&n->keys, "tandem messages 1", octets);
	writer_hex(&w, bytes_mem(octets, sizeof(octets)));
	(void)json_object_set_new(settings, "messages_key", json_stringn(key, w.n));
	explicit_bzero(octets, sizeof(octets));
	explicit_bzero(key, sizeof(key));
}

/* What other nodes are to know. */
static void terms_listing(const struct node *n, json_t *settings)
{
	char id[NODE_DELIVER_ID_MAX];

	(void)json_object_set_new(settings, "node_id", json_string(node_deliver_id(n, id)));
	(void)json_object_set_new(settings, "list_settle_ms", json_integer(SETTLE_MS));
	(void)json_object_set_new(settings, "list_days",
				  json_integer(n->settings->recordings.list_days));
}

/* Other nodes that know of a message, by a Redis apart, play it from copies, or else from there. */
static bool terms_voicemail(const struct node *n)
{
	const struct settings *s = n->settings;

	if (s->recordings.voicemail == SETTINGS_VOICEMAIL_AUTO)
		return s->redis.place.url[0] && !(n->cluster->claimant && s->recordings.copies);
	return s->recordings.voicemail == SETTINGS_VOICEMAIL_YES;
}

json_t *node_deliver_terms(const struct node *n)
{
	static const char *const opus[] = { "off", "keep", "replace" };
	const struct settings_recordings *r = &n->settings->recordings;
	json_t *list = json_array(), *copies = node_deliver_copies(n), *terms;

	for (uint32_t i = 0; i < r->store_count; i++)
		(void)json_array_append_new(list, terms_destination(&r->store[i]));
	terms = json_pack(
		"{s:{s:I, s:s, s:s, s:I, s:I, s:I, s:i, s:I, s:b, s:b, s:I, s:i, s:i, s:o, "
		"s:{s:o, s:i}, "
		"s:o, s:o, s:s, s:I}}",
		"settings", "join_wait_ms", (json_int_t)(r->join_wait / NS_PER_MS), "folder",
		r->folder, "node", n->settings->node.name, "retry_ms",
		(json_int_t)(r->retry / NS_PER_MS), "retry_max_ms",
		(json_int_t)(r->retry_max / NS_PER_MS), "give_up_ms",
		(json_int_t)(r->give_up / NS_PER_MS), "refusals", (int)r->refusals, "scan_ms",
		(json_int_t)(r->scan / NS_PER_MS), "delete_delivered", (int)r->delete_delivered,
		"voicemail", (int)terms_voicemail(n), "free_octets",
		(json_int_t)((uint64_t)r->free_mib << 20), "log_level", n->settings->log.level,
		"log_format", n->settings->log.format, "destinations", list, "usual", "deliver",
		terms_names(r->deliver, r->deliver_count), "keep_days", (int)r->keep_days,
		"tenants", store_tenants_json(n), "certificates", node_deliver_certificates(n),
		"opus", opus[r->opus], "opus_wait_ms", (json_int_t)(r->opus_wait / NS_PER_MS));
	if (copies)
		(void)json_object_set_new(json_object_get(terms, "settings"), "copies", copies);
	terms_listing(n, json_object_get(terms, "settings"));
	terms_messages(n, json_object_get(terms, "settings"));
	return terms;
}
