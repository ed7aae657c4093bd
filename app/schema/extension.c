/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The document of an extension: writing, reading, its view, and the sealing of its secrets. Its
 * fields are the table in extension_field.c; here are the members that no table can say. Secrets
 * are bound by the seal's context to tenant, number, realm and use, so that a document copied by
 * hand opens for no other extension. A document of an older version is read with defaults.
 */

#include <assert.h>
#include <errno.h>
#include <openssl/crypto.h>
#include <string.h>

#include "app/schema/extension.h"
#include "app/schema/field.h"
#include "app/sound/sound_prompt.h"
#include "sig/call/prompts.h"

enum { SEALED_MAX = HA1_OCTETS + SEAL_OVERHEAD };

/* Bytes of each hash, in the order of enum digest_algorithm. */
static const size_t g_hash_len[DIGEST_ALGORITHMS] = {
	[DIGEST_MD5] = 16,
	[DIGEST_SHA256] = 32,
	[DIGEST_SHA512_256] = 32,
};

void ha1_write(char out[HA1_TEXT + 1], const struct digest_secret *secret)
{
	struct writer w = writer_over(out, HA1_TEXT);

	for (size_t i = 0; i < DIGEST_ALGORITHMS; i++) {
		if (i)
			writer_u8(&w, ':');
		writer_hex(&w, bytes_mem(secret->ha1[i], g_hash_len[i]));
	}
	out[w.n] = '\0';
}

int ha1_read(struct digest_secret *out, struct bytes text)
{
	struct digest_secret found = { 0 };
	struct bytes hash;
	int err = text.n == HA1_TEXT ? 0 : -EINVAL;

	for (size_t i = 0; !err && i < DIGEST_ALGORITHMS; i++) {
		size_t n = 0;

		if (!bytes_cut(&text, ':', &hash) || hash.n != 2 * g_hash_len[i]) {
			err = -EINVAL;
		} else {
			err = hex_decode(hash, found.ha1[i], DIGEST_HASH_MAX, &n);
		}
	}
	if (!err)
		*out = found;
	OPENSSL_cleanse(&found, sizeof(found));
	return err;
}

static void ha1_octets_write(struct writer *w, const struct digest_secret *secret)
{
	for (size_t i = 0; i < DIGEST_ALGORITHMS; i++)
		writer_mem(w, secret->ha1[i], g_hash_len[i]);
}

static void ha1_octets_read(struct digest_secret *out, const uint8_t octets[HA1_OCTETS])
{
	for (size_t i = 0; i < DIGEST_ALGORITHMS; i++) {
		memcpy(out->ha1[i], octets, g_hash_len[i]);
		octets += g_hash_len[i];
	}
}

json_t *ha1_sealed(const struct digest_secret *secret, struct bytes context,
		   const struct seal_key *key, struct rand_source *rand)
{
	uint8_t plain[HA1_OCTETS], sealed[SEALED_MAX];
	char text[2 * SEALED_MAX];
	struct writer w = writer_over(plain, sizeof(plain)), hex = writer_over(text, sizeof(text));
	size_t n = 0;
	int err;

	ha1_octets_write(&w, secret);
	err = seal_make(key, rand, context, writer_done(&w), sealed, sizeof(sealed), &n);
	OPENSSL_cleanse(plain, sizeof(plain));
	writer_hex(&hex, bytes_mem(sealed, n));
	return err ? NULL : json_stringn(text, hex.n);
}

int ha1_fill(struct document_reader *r, const char *member, struct bytes hex, struct bytes context,
	     struct digest_secret *out)
{
	uint8_t plain[HA1_OCTETS], sealed[SEALED_MAX];
	enum seal_refusal why;
	size_t n, m = 0;
	int err;

	if (hex_decode(hex, sealed, sizeof(sealed), &n) || n != sizeof(sealed)) {
		document_refuse(r, member);
		return -EBADMSG;
	}
	err = seal_open(r->key, context, bytes_mem(sealed, n), plain, sizeof(plain), &m, &why);
	if (!err)
		ha1_octets_read(out, plain);
	OPENSSL_cleanse(plain, sizeof(plain));
	return err ? -EACCES : 0;
}

static_assert((int)GREETING_FILE_MAX == (int)PROMPT_NAME_MAX + 1, "one is played");

/* With the node's prompt for each. */
static const struct {
	const char *state, *prompt;
} g_greetings[] = {
	{ PRESENCE_USUAL, "prompt:greeting-unavailable" },
	{ "busy", "prompt:greeting-busy" },
	{ "do_not_disturb", "prompt:greeting-busy" },
	{ "in_a_meeting", "prompt:greeting-busy" },
	{ "away", "prompt:greeting-away" },
	{ "out_of_office", "prompt:greeting-away" },
	{ "off_work", "prompt:greeting-away" },
};

static bool greeting_file_is_good(struct bytes file)
{
	if (!file.n || file.n >= GREETING_FILE_MAX)
		return false;
	if (bytes_starts(file, PROMPT_RECORDING))
		return sound_recording_is_good(bytes_from(file, strlen(PROMPT_RECORDING)));
	if (bytes_starts(file, PROMPT_BY_NAME))
		file = bytes_from(file, strlen(PROMPT_BY_NAME));
	return presence_name_fits(file);
}

static bool greeting_has(struct bytes list, struct bytes state, struct bytes *file)
{
	struct bytes one, name;

	while (bytes_cut(&list, ',', &one)) {
		if (bytes_cut(&one, '=', &name) && bytes_eq(name, state)) {
			*file = one;
			return true;
		}
	}
	return false;
}

const char *greetings_wrong(const char *list)
{
	struct bytes rest = bytes_str(list), before = bytes_mem(rest.p, 0), one, state, file;

	if (rest.n && rest.p[rest.n - 1] == ',')
		return "there is no greeting after a ','";
	while (bytes_cut(&rest, ',', &one)) {
		struct bytes all = one;

		if (!bytes_cut(&one, '=', &state) || !presence_name_fits(state) ||
		    state.n >= PRESENCE_MAX)
			return "each greeting is STATE=FILE";
		if (!greeting_file_is_good(one))
			return "a greeting is the name of a file, prompt:NAME or "
			       "recording:CALL-NUMBER";
		if (greeting_has(before, state, &file))
			return "a state has one greeting";
		before.n = (size_t)(all.p + all.n - before.p);
	}
	return NULL;
}

void greeting_of(const char *list, const char *state, char out[GREETING_FILE_MAX])
{
	struct bytes all = bytes_str(list), file;
	const char *prompt = g_greetings[0].prompt;

	if (!state[0])
		state = PRESENCE_USUAL;
	for (size_t i = 0; i < COUNT_OF(g_greetings); i++) {
		if (!strcmp(state, g_greetings[i].state))
			prompt = g_greetings[i].prompt;
	}
	if ((!greeting_has(all, bytes_str(state), &file) &&
	     !greeting_has(all, BYTES_LIT(GREETING_OTHERWISE), &file)) ||
	    bytes_cstr(file, out, GREETING_FILE_MAX))
		(void)bytes_cstr(bytes_str(prompt), out, GREETING_FILE_MAX);
}

bool greeting_set(const char *list, const char *state, struct bytes file, char out[GREETINGS_MAX])
{
	struct writer w = writer_over(out, GREETINGS_MAX - 1);
	struct bytes rest = bytes_str(list), one, name;

	while (bytes_cut(&rest, ',', &one)) {
		struct bytes all = one;

		if (!bytes_cut(&one, '=', &name) || bytes_is(name, state))
			continue;
		writer_str(&w, w.n ? "," : "");
		writer_bytes(&w, all);
	}
	if (file.n) {
		WRITER_TEXTS(&w, w.n ? "," : "", state, "=");
		writer_bytes(&w, file);
	}
	if (w.overflow)
		return false;
	out[w.n] = '\0';
	return true;
}

void extension_wipe(struct extension *e)
{
	explicit_bzero(e, sizeof(*e));
}

static json_t *merged(json_t *json, json_t *more)
{
	if (json && more && !json_object_update_missing(json, more)) {
		json_decref(more);
		return json;
	}
	json_decref(json);
	json_decref(more);
	return NULL;
}

enum { CONTEXT_MAX = 256 };

/* The seal's context: a secret that is copied to another extension, realm or location does not
 * open. what: the secret's name, and a blank. */
static struct bytes secret_context(char buf[CONTEXT_MAX], const struct extension *e,
				   const char *what, uint16_t location)
{
	struct writer w = writer_over(buf, CONTEXT_MAX);

	WRITER_TEXTS(&w, "extension ", e->core.number, " ", what);
	if (location)
		writer_number(&w, "", location, " ");
	writer_str(&w, e->realm);
	return writer_done(&w);
}

int extension_locations(struct bytes list, uint16_t out[EXTENSION_LOCATIONS_MAX])
{
	struct bytes one;
	int count = 0;

	if (list.n && list.p[list.n - 1] == ',')
		return -EINVAL;
	while (bytes_cut(&list, ',', &one)) {
		if (count == EXTENSION_LOCATIONS_MAX || location_read(one, &out[count]))
			return -EINVAL;
		for (int i = 0; i < count; i++) {
			if (out[i] == out[count])
				return -EINVAL;
		}
		count++;
	}
	return count;
}

/* New reference, NULL: out of memory. */
static json_t *located_seal(const struct extension *e, const struct seal_key *key,
			    struct rand_source *rand)
{
	char context[CONTEXT_MAX];
	json_t *list = json_array();

	for (uint16_t i = 0; list && i < e->located.count; i++) {
		const struct shard_location *l = &e->located.of[i];
		struct bytes of = secret_context(context, e, "location ", l->location);

		if (json_array_append_new(list, ha1_sealed(&l->secret, of, key, rand))) {
			json_decref(list);
			return NULL;
		}
	}
	return list;
}

/* Puts its presence beyond the field presence. True: it exists. */
static bool presence_put(json_t *json, const struct extension *e)
{
	json_t *list = json_array();
	char text[PRESENCE_MAX + PRESENCE_NOTE_MAX + 96];

	for (unsigned i = 0; i < PRESENCE_WORDS; i++) {
		struct writer w = writer_over(text, sizeof(text));

		if (!e->presence.words[i].state[0] ||
		    (i == PRESENCE_MANUAL && !e->presence.words[i].set_utc_ms))
			continue;
		presence_word_write(&w, &e->presence, i);
		if (json_array_append_new(list, json_stringn(text, w.n))) {
			json_decref(list);
			return false;
		}
	}
	if (json_array_size(list))
		return !json_object_set_new(json, "presence_words", list);
	json_decref(list);
	return true;
}

/* True: it exists, if there is a page. */
static bool page_put(json_t *json, const struct extension *e)
{
	char text[BASE32_U64_LEN];

	base32_u64_put(text, e->page);
	return !e->page || !json_object_set_new(json, "page", json_stringn(text, sizeof(text)));
}

/* True: it exists, if there is a PIN. */
static bool pin_put(json_t *json, const struct extension *e, const struct seal_key *key,
		    struct rand_source *rand)
{
	char context[CONTEXT_MAX];
	struct digest_secret pin = { 0 };
	bool done;

	if (!be64_get(e->core.pin))
		return true;
	memcpy(pin.ha1[DIGEST_SHA256], e->core.pin, sizeof(e->core.pin));
	done = !json_object_set_new(json, "pin_sealed",
				    ha1_sealed(&pin, secret_context(context, e, "pin ", 0), key,
					       rand));
	explicit_bzero(&pin, sizeof(pin));
	return done;
}

json_t *extension_to_document(const void *value, const struct seal_key *key,
			      struct rand_source *rand)
{
	const struct extension *e = value;
	char context[CONTEXT_MAX];
	struct extension initial;
	json_t *json = json_pack("{s:s, s:o}", "realm", e->realm, "ha1_sealed",
				 ha1_sealed(&e->core.secret, secret_context(context, e, "", 0), key,
					    rand));

	if (json &&
	    ((e->located.count &&
	      json_object_set_new(json, "locations_sealed", located_seal(e, key, rand))) ||
	     !page_put(json, e) || !presence_put(json, e) || !pin_put(json, e, key, rand))) {
		json_decref(json);
		json = NULL;
	}
	extension_start(&initial);
	return document_versioned(document_shown(
		merged(json, field_json(g_extension_fields, e, &initial)), e->changed_utc_ms));
}

json_t *extension_to_view(const struct extension *e, const char *realm)
{
	json_t *valid = json_pack("{s:b, s:b}", "password_valid", !strcmp(e->realm, realm),
				  "has_pin", be64_get(e->core.pin) != 0);

	return document_shown(merged(field_json(g_extension_fields, e, NULL), valid),
			      e->changed_utc_ms);
}

/* After the number, which the seal is bound to. */
static void fill_secret(struct document_reader *r, struct extension *e)
{
	struct bytes sealed = document_member(r, "ha1_sealed").text;
	char context[CONTEXT_MAX];

	document_text(r, "realm", e->realm, sizeof(e->realm));
	if (!sealed.n) {
		if (ha1_read(&e->core.secret, document_member(r, "ha1").text))
			document_refuse(r, "ha1");
		return;
	}
	if (ha1_fill(r, "ha1_sealed", sealed, secret_context(context, e, "", 0), &e->core.secret))
		e->realm[0] = '\0';
}

static void fill_located(struct document_reader *r, struct extension *e)
{
	struct given list = document_member(r, "locations_sealed");
	uint16_t ids[EXTENSION_LOCATIONS_MAX];
	int count = extension_locations(bytes_str(e->locations), ids);
	char context[CONTEXT_MAX];

	if (count < 0 || list.count != (size_t)count) {
		document_refuse(r, "locations_sealed");
		return;
	}
	e->located.count = (uint16_t)count;
	for (int i = 0; i < count; i++) {
		struct shard_location *l = &e->located.of[i];

		l->location = ids[i];
		if (ha1_fill(r, "locations_sealed", given_next(&list, (size_t)i).text,
			     secret_context(context, e, "location ", ids[i]), &l->secret)) {
			e->realm[0] = '\0';
			return;
		}
	}
}

/* A PIN that cannot be opened counts as none. */
static void fill_pin(struct document_reader *r, struct extension *e)
{
	struct bytes sealed = document_member(r, "pin_sealed").text;
	char context[CONTEXT_MAX];
	struct digest_secret pin = { 0 };

	if (sealed.n &&
	    !ha1_fill(r, "pin_sealed", sealed, secret_context(context, e, "pin ", 0), &pin))
		memcpy(e->core.pin, pin.ha1[DIGEST_SHA256], sizeof(e->core.pin));
	explicit_bzero(&pin, sizeof(pin));
}

static void fill_page(struct document_reader *r, struct extension *e)
{
	struct bytes text = document_member(r, "page").text;

	if (text.n && (base32_u64_get(text, &e->page) || !e->page))
		document_refuse(r, "page");
}

/* The field may have been written by hand. */
static void fill_presence(struct document_reader *r, struct extension *e)
{
	struct given list = document_member(r, "presence_words");
	struct presence *p = &e->presence;
	char state[PRESENCE_MAX];

	memcpy(state, p->words[PRESENCE_MANUAL].state, sizeof(state));
	for (size_t i = 0; i < list.count && i < PRESENCE_WORDS; i++) {
		if (presence_word_read(p, given_next(&list, i).text))
			document_refuse(r, "presence_words");
	}
	if (!strcmp(p->words[PRESENCE_MANUAL].state, state))
		return;
	p->words[PRESENCE_MANUAL] = (struct presence_word){ 0 };
	memcpy(p->words[PRESENCE_MANUAL].state, state, sizeof(state));
}

static void extension_fill(struct document_reader *r, void *value)
{
	struct extension *e = value;

	extension_start(e);
	field_fill(r, g_extension_fields, e);
	if (e->srtp != e->core.tls_srtp)
		document_refuse(r, "srtp");
	fill_secret(r, e);
	if (e->realm[0])
		fill_located(r, e);
	fill_page(r, e);
	fill_pin(r, e);
	fill_presence(r, e);
	e->changed_utc_ms = document_changed(r);
}

void extension_start(struct extension *e)
{
	*e = (struct extension){ .core.classes = DIAL_CLASSES_FIRST,
				 .core.outside_calls = EXTENSION_OUTSIDE_CALLS,
				 .core.outside_minutes = EXTENSION_OUTSIDE_MINUTES };
}

int extension_from_document(void *value, struct bytes json, const struct seal_key *key,
			    const char **reason)
{
	return document_read(json, key, extension_fill, value, sizeof(struct extension), reason);
}
