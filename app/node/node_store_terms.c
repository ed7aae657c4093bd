/* SPDX-License-Identifier: Apache-2.0 */
/* What the process that stores recordings is told: settings, tenants, and secrets from their files. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/command/command_handlers.h"
#include "app/document/tenant_field.h"
#include "app/node/node.h"
#include "app/node/node_store.h"
#include "base/clock.h"
#include "base/log.h"

/* So long before may be what a Redis that fails has acknowledged, and lost. */
enum { SECRET_MAX = 512, MAIL_MIB = 20, SETTLE_MS = 10000 };

/* Why there is no secret, as a sentence; NULL: there is, or none is wanted. */
static const char *store_secret_read(const char *path, char out[SECRET_MAX])
{
	struct stat st;
	ssize_t n;
	int fd;

	out[0] = '\0';
	if (!path[0])
		return NULL;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return strerror(errno);
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || (st.st_mode & (S_IRWXG | S_IRWXO))) {
		(void)close(fd);
		return "it must be a file that its owner alone may read: chmod 600";
	}
	n = read(fd, out, SECRET_MAX - 1);
	(void)close(fd);
	out[n > 0 ? n : 0] = '\0';
	out[strcspn(out, "\r\n")] = '\0';
	return out[0] ? NULL : "it is empty";
}

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
	char secret[SECRET_MAX], fault[256];
	const char *why = store_secret_read(d->password_file, secret);

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

	for (uint16_t i = 0; tenants_next(n->tenants, &i); i++) {
		struct tenant_value t;

		if (!command_tenant_value(n, tenants_name(n->tenants, i), &t) ||
		    (!t.recordings.store[0] && !t.recordings.days && !t.recordings.mib))
			continue;
		(void)json_array_append_new(
			list, json_pack("{s:s, s:o, s:I, s:I}", "name", t.name, "deliver",
					terms_tenant_stores(&n->settings.recordings, &t),
					"keep_days", (json_int_t)t.recordings.days, "keep_octets",
					(json_int_t)((uint64_t)t.recordings.mib << 20)));
	}
	return list;
}

/* What other nodes are to know. */
static void terms_listing(const struct node *n, json_t *settings)
{
	char id[NODE_STORE_ID_MAX];

	(void)json_object_set_new(settings, "node_id", json_string(node_store_id(n, id)));
	(void)json_object_set_new(settings, "list_settle_ms", json_integer(SETTLE_MS));
	(void)json_object_set_new(settings, "list_days",
				  json_integer(n->settings.recordings.list_days));
}

json_t *node_store_terms(const struct node *n)
{
	static const char *const opus[] = { "off", "keep", "replace" };
	const struct settings_recordings *r = &n->settings.recordings;
	json_t *list = json_array(), *copies = node_store_copies(n), *terms;

	for (uint32_t i = 0; i < r->store_count; i++)
		(void)json_array_append_new(list, terms_destination(&r->store[i]));
	terms = json_pack("{s:{s:I, s:s, s:s, s:I, s:I, s:I, s:i, s:I, s:b, s:I, s:i, s:i, s:o, "
			  "s:{s:o, s:i}, "
			  "s:o, s:o, s:s, s:I}}",
			  "settings", "join_wait_ms", (json_int_t)(r->join_wait / NS_PER_MS),
			  "folder", r->folder, "node", n->settings.node.name, "retry_ms",
			  (json_int_t)(r->retry / NS_PER_MS), "retry_max_ms",
			  (json_int_t)(r->retry_max / NS_PER_MS), "give_up_ms",
			  (json_int_t)(r->give_up / NS_PER_MS), "refusals", (int)r->refusals,
			  "scan_ms", (json_int_t)(r->scan / NS_PER_MS), "delete_delivered",
			  (int)r->delete_delivered, "free_octets",
			  (json_int_t)((uint64_t)r->free_mib << 20), "log_level",
			  n->settings.log.level, "log_format", n->settings.log.format,
			  "destinations", list, "usual", "deliver",
			  terms_names(r->deliver, r->deliver_count), "keep_days", (int)r->keep_days,
			  "tenants", store_tenants_json(n), "certificates",
			  node_store_certificates(n), "opus", opus[r->opus], "opus_wait_ms",
			  (json_int_t)(r->opus_wait / NS_PER_MS));
	if (copies)
		(void)json_object_set_new(json_object_get(terms, "settings"), "copies", copies);
	terms_listing(n, json_object_get(terms, "settings"));
	return terms;
}
