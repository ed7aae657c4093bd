/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads the settings that the node sends to tandem-store, into bounded structs. Both ends are of
 * one version, yet each field is checked, since a half-read set of destinations would deliver to
 * the wrong place: on an error the former settings stay. Secrets are overwritten by terms_close.
 */

#include "app/deliver/terms.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/hmac.h>

const char *const g_destination_kinds[] = {
	"directory", "s3", "http", "sftp", "ftp", "mail", NULL
};

/* Absent: empty. */
static int terms_text(const json_t *object, const char *key, char *out, size_t cap)
{
	const json_t *value = json_object_get(object, key);

	return bytes_cstr(bytes_mem(json_string_value(value), json_string_length(value)), out, cap)
		       ? -EBADMSG
		       : 0;
}

static uint64_t terms_number(const json_t *object, const char *key)
{
	json_int_t n = json_integer_value(json_object_get(object, key));

	return n > 0 ? (uint64_t)n : 0;
}

static bool terms_flag(const json_t *object, const char *key)
{
	return json_is_true(json_object_get(object, key));
}

static int terms_list(const json_t *list, void *out, size_t size, uint32_t most, uint32_t *count)
{
	size_t n = json_array_size(list);
	int err = n > most ? -EBADMSG : 0;

	*count = (uint32_t)n;
	for (size_t i = 0; !err && i < n; i++) {
		const json_t *item = json_array_get(list, i);

		err = bytes_cstr(bytes_mem(json_string_value(item), json_string_length(item)),
				 (char *)out + i * size, size);
	}
	return err ? -EBADMSG : 0;
}

static int destination_texts(const json_t *object, struct destination *d)
{
	struct {
		const char *key;
		char *out;
		size_t cap;
	} texts[] = {
		{ "name", d->name, sizeof(d->name) },
		{ "url", d->url, sizeof(d->url) },
		{ "user", d->user, sizeof(d->user) },
		{ "secret", d->secret, sizeof(d->secret) },
		{ "key_file", d->key_file, sizeof(d->key_file) },
		{ "known_hosts", d->known_hosts, sizeof(d->known_hosts) },
		{ "ca", d->ca, sizeof(d->ca) },
		{ "bucket", d->bucket, sizeof(d->bucket) },
		{ "region", d->region, sizeof(d->region) },
		{ "from", d->from, sizeof(d->from) },
		{ "fault", d->fault, sizeof(d->fault) },
	};
	int err = 0;

	for (size_t i = 0; !err && i < COUNT_OF(texts); i++)
		err = terms_text(object, texts[i].key, texts[i].out, texts[i].cap);
	return err;
}

static int terms_destination_read(const json_t *object, struct destination *d)
{
	const char *kind = json_string_value(json_object_get(object, "kind"));
	unsigned k = 0;
	int err = destination_texts(object, d);

	while (k < DESTINATION_KINDS && (!kind || strcmp(kind, g_destination_kinds[k]) != 0))
		k++;
	if (err || k == DESTINATION_KINDS)
		return -EBADMSG;
	d->kind = (enum destination_kind)k;
	d->most = terms_number(object, "most");
	d->part = terms_number(object, "part");
	d->path_style = terms_flag(object, "path_style");
	d->starttls = terms_flag(object, "starttls");
	d->metadata = terms_flag(object, "metadata");
	return terms_list(json_object_get(object, "to"), d->to, sizeof(d->to[0]),
			  TERMS_RECIPIENTS_MAX, &d->to_count);
}

static int terms_tenant_read(const json_t *object, struct terms_tenant *t)
{
	int err = terms_text(object, "name", t->name, sizeof(t->name));

	if (!err)
		err = terms_list(json_object_get(object, "deliver"), t->deliver,
				 sizeof(t->deliver[0]), JOB_DELIVERIES_MAX, &t->count);
	t->keep_days = (uint32_t)terms_number(object, "keep_days");
	t->keep_octets = terms_number(object, "keep_octets");
	return err;
}

static int terms_destinations(const json_t *object, struct terms *t)
{
	const json_t *list = json_object_get(object, "destinations");
	int err = json_array_size(list) > TERMS_DESTINATIONS_MAX ? -EBADMSG : 0;

	for (size_t i = 0; !err && i < json_array_size(list); i++)
		err = terms_destination_read(json_array_get(list, i),
					     &t->destinations[t->destination_count++]);
	return err;
}

static int terms_tenants(const json_t *object, struct terms *t)
{
	const json_t *list = json_object_get(object, "tenants");
	size_t n = json_array_size(list);
	int err = 0;

	t->tenants = calloc(n + 1, sizeof(t->tenants[0]));
	if (!t->tenants)
		return -ENOMEM;
	for (size_t i = 0; !err && i < n; i++)
		err = terms_tenant_read(json_array_get(list, i), &t->tenants[t->tenant_count++]);
	return err;
}

static int terms_certificate_read(const json_t *object, struct terms_certificate *c)
{
	const json_t *pem = json_object_get(object, "pem");
	int err = terms_text(object, "tenant", c->tenant, sizeof(c->tenant));

	if (!err)
		err = terms_text(object, "fault", c->fault, sizeof(c->fault));
	if (!err && !json_is_string(pem))
		err = -EBADMSG;
	if (!err)
		c->pem = malloc(json_string_length(pem) + 1);
	if (!err && !c->pem)
		err = -ENOMEM;
	if (!err)
		memcpy(c->pem, json_string_value(pem), json_string_length(pem) + 1);
	return err;
}

static int terms_certificates(const json_t *object, struct terms *t)
{
	const json_t *list = json_object_get(object, "certificates");
	int err = json_array_size(list) > TERMS_CERTIFICATES_MAX ? -EBADMSG : 0;

	for (size_t i = 0; !err && i < json_array_size(list); i++)
		err = terms_certificate_read(json_array_get(list, i),
					     &t->certificates[t->certificate_count++]);
	return err;
}

static int terms_opus(const json_t *object, enum terms_opus *out)
{
	static const char *const names[] = { "off", "keep", "replace" };
	const char *name = json_string_value(json_object_get(object, "opus"));
	unsigned mode = 0;

	while (name && mode < TERMS_OPUS_MODES && strcmp(name, names[mode]) != 0)
		mode++;
	*out = (enum terms_opus)mode;
	return mode < TERMS_OPUS_MODES ? 0 : -EBADMSG;
}

static int terms_hex(const json_t *object, const char *key, uint8_t *out, size_t want)
{
	const json_t *value = json_object_get(object, key);
	size_t n = 0;
	int err = hex_decode(bytes_mem(json_string_value(value), json_string_length(value)), out,
			     want, &n);

	return err || n != want ? -EBADMSG : 0;
}

/* Absent: no copies. */
static int terms_copies(const json_t *object, struct terms_copies *c)
{
	uint8_t id[8], incarnation[8];
	int err;

	if (!object)
		return 0;
	err = terms_hex(object, "id", id, sizeof(id));
	if (!err)
		err = terms_hex(object, "incarnation", incarnation, sizeof(incarnation));
	if (!err)
		err = terms_hex(object, "key", c->key, sizeof(c->key));
	if (err)
		return err;
	c->on = true;
	c->id = be64_get(id);
	c->incarnation = be64_get(incarnation);
	c->octets = terms_number(object, "octets");
	c->wait_ms = terms_number(object, "wait_ms");
	c->every_ms = terms_number(object, "every_ms");
	return c->every_ms ? 0 : -EBADMSG;
}

static int terms_read_all(const json_t *object, struct terms *t)
{
	int err = terms_text(object, "folder", t->folder, sizeof(t->folder));

	if (!err)
		err = terms_text(object, "node", t->node, sizeof(t->node));
	if (!err)
		err = terms_text(object, "node_id", t->node_id, sizeof(t->node_id));
	if (!err)
		err = terms_destinations(object, t);
	if (!err)
		err = terms_tenant_read(json_object_get(object, "usual"), &t->usual);
	if (!err)
		err = terms_tenants(object, t);
	if (!err)
		err = terms_certificates(object, t);
	if (!err)
		err = terms_opus(object, &t->opus);
	if (!err)
		err = terms_copies(json_object_get(object, "copies"), &t->copies);
	if (!err)
		err = terms_hex(object, "messages_key", t->messages_key, sizeof(t->messages_key));
	t->opus_wait_ms = terms_number(object, "opus_wait_ms");
	t->job = (struct job_terms){ .first_ms = terms_number(object, "retry_ms"),
				     .most_ms = terms_number(object, "retry_max_ms"),
				     .give_up_ms = terms_number(object, "give_up_ms"),
				     .refusals = (uint32_t)terms_number(object, "refusals") };
	t->scan_ms = terms_number(object, "scan_ms");
	t->join_wait_ms = terms_number(object, "join_wait_ms");
	t->keep_days = t->usual.keep_days;
	t->list_settle_ms = terms_number(object, "list_settle_ms");
	t->list_days = t->node_id[0] ? (uint32_t)terms_number(object, "list_days") : 0;
	t->free_octets = terms_number(object, "free_octets");
	t->delete_delivered = terms_flag(object, "delete_delivered");
	t->voicemail = terms_flag(object, "voicemail");
	t->log_level = (int)terms_number(object, "log_level");
	t->log_format = (int)terms_number(object, "log_format");
	if (!err && (t->folder[0] != '/' || !t->job.first_ms || !t->job.refusals || !t->scan_ms))
		err = -EBADMSG;
	return err;
}

int terms_read(struct terms *out, const json_t *object)
{
	struct terms *t = calloc(1, sizeof(*t));
	int err = t ? terms_read_all(object, t) : -ENOMEM;

	if (!err) {
		terms_close(out);
		*out = *t;
		t->tenants = NULL;
		t->certificate_count = 0;
	}
	if (t) {
		terms_close(t);
		free(t);
	}
	return err;
}

void terms_message_key(const struct terms *t, const char *path, uint8_t out[TERMS_KEY_LEN])
{
	const char *file = strrchr(path, '/');
	char of[QUEUE_PATH_MAX];

	(void)snprintf(of, sizeof(of), "%.*s%s", (int)strcspn(path, "/"), path, file ? file : "");
	(void)HMAC(EVP_sha256(), t->messages_key, sizeof(t->messages_key), (const uint8_t *)of,
		   strlen(of), out, NULL);
}

void terms_close(struct terms *t)
{
	free(t->tenants);
	for (uint32_t i = 0; i < t->certificate_count; i++)
		free(t->certificates[i].pem);
	explicit_bzero(t, sizeof(*t));
}

const struct terms_certificate *terms_certificate(const struct terms *t, const char *tenant)
{
	const struct terms_certificate *usual = NULL;

	for (uint32_t i = 0; i < t->certificate_count; i++) {
		if (!strcmp(t->certificates[i].tenant, tenant))
			return &t->certificates[i];
		if (!t->certificates[i].tenant[0])
			usual = &t->certificates[i];
	}
	return usual;
}

const struct terms_tenant *terms_tenant(const struct terms *t, const char *name)
{
	for (uint32_t i = 0; i < t->tenant_count; i++) {
		if (!strcmp(t->tenants[i].name, name))
			return &t->tenants[i];
	}
	return &t->usual;
}

uint32_t terms_stores(const struct terms *t, const char *tenant, bool boxed)
{
	return boxed && !t->voicemail ? 0 : terms_tenant(t, tenant)->count;
}

struct destination *terms_destination(struct terms *t, const char *name)
{
	for (uint32_t i = 0; i < t->destination_count; i++) {
		if (!strcmp(t->destinations[i].name, name))
			return &t->destinations[i];
	}
	return NULL;
}
