/* SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>
#include <errno.h>
#include <openssl/crypto.h>
#include <string.h>

#include "app/schema/extension.h"
#include "app/schema/field.h"
#include "app/schema/tenant_field.h"
#include "app/sound/sound_prompt.h"
#include "sig/call/prompts.h"
#include "sig/dial/dial.h"
#include "sig/sip/uri.h"

enum { SEALED_MAX = HA1_SEALED_TEXT / 2 };

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

int ha1_seal(char out[HA1_SEALED_TEXT + 1], const struct digest_secret *secret,
	     struct bytes context, const struct seal_key *key, struct rand_source *rand)
{
	uint8_t plain[HA1_OCTETS], sealed[SEALED_MAX];
	struct writer w = writer_over(plain, sizeof(plain)), hex = writer_over(out, 2 * SEALED_MAX);
	size_t n = 0;
	int err;

	ha1_octets_write(&w, secret);
	err = seal_make(key, rand, context, writer_done(&w), sealed, sizeof(sealed), &n);
	writer_hex(&hex, bytes_mem(sealed, n));
	out[hex.n] = '\0';
	OPENSSL_cleanse(plain, sizeof(plain));
	return err;
}

int ha1_unseal(struct digest_secret *out, struct bytes hex, struct bytes context,
	       const struct seal_key *key)
{
	uint8_t plain[HA1_OCTETS], sealed[SEALED_MAX];
	enum seal_refusal why;
	size_t n, m = 0;
	int err;

	if (hex_decode(hex, sealed, sizeof(sealed), &n) || n != sizeof(sealed))
		return -EBADMSG;
	err = seal_open(key, context, bytes_mem(sealed, n), plain, sizeof(plain), &m, &why);
	if (!err)
		ha1_octets_read(out, plain);
	OPENSSL_cleanse(plain, sizeof(plain));
	return err ? -EACCES : 0;
}

static_assert((int)GREETING_FILE_MAX == (int)PROMPT_NAME_MAX + 1, "one is played");

/* With the prompt of the node for each. */
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

/* A sealed secret that is moved to another extension or realm does not open there. */
static struct bytes seal_context(char buf[CONTEXT_MAX], const struct extension *e)
{
	struct writer w = writer_over(buf, CONTEXT_MAX);

	writer_str(&w, "extension ");
	writer_str(&w, e->core.number);
	writer_str(&w, " ");
	writer_str(&w, e->realm);
	return writer_done(&w);
}

/* ... nor to another location. */
static struct bytes located_context(char buf[CONTEXT_MAX], const struct extension *e,
				    uint16_t location)
{
	struct writer w = writer_over(buf, CONTEXT_MAX);

	WRITER_TEXTS(&w, "extension ", e->core.number);
	writer_number(&w, " location ", location, " ");
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
	char sealed[HA1_SEALED_TEXT + 1], context[CONTEXT_MAX];
	json_t *list = json_array();

	for (uint16_t i = 0; list && i < e->located.count; i++) {
		const struct shard_location *l = &e->located.of[i];

		if (ha1_seal(sealed, &l->secret, located_context(context, e, l->location), key,
			     rand) ||
		    json_array_append_new(list, json_string(sealed))) {
			json_decref(list);
			return NULL;
		}
	}
	return list;
}

/* What was said of its presence, but for what the field presence says alone. True: it is there. */
static bool presence_put(json_t *json, const struct extension *e)
{
	json_t *list = json_array();
	char text[PRESENCE_MAX + PRESENCE_NOTE_MAX + 96];

	for (unsigned i = 0; i < PRESENCE_WORDS; i++) {
		struct writer w = writer_over(text, sizeof(text));

		if (!e->presence.words[i].state[0] ||
		    (i == PRESENCE_MANUAL && !e->presence.words[i].said_utc_ms))
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

/* True: it is there, where there is one. */
static bool page_put(json_t *json, const struct extension *e)
{
	char text[BASE32_U64_LEN];

	base32_u64_put(text, e->page);
	return !e->page || !json_object_set_new(json, "page", json_stringn(text, sizeof(text)));
}

static struct bytes pin_context(char buf[CONTEXT_MAX], const struct extension *e)
{
	struct writer w = writer_over(buf, CONTEXT_MAX);

	WRITER_TEXTS(&w, "extension ", e->core.number, " pin ", e->realm);
	return writer_done(&w);
}

/* True: it is there, where there is one. */
static bool pin_put(json_t *json, const struct extension *e, const struct seal_key *key,
		    struct rand_source *rand)
{
	char sealed[HA1_SEALED_TEXT + 1], context[CONTEXT_MAX];
	struct digest_secret pin = { 0 };
	bool done;

	if (!be64_get(e->core.pin))
		return true;
	memcpy(pin.ha1[DIGEST_SHA256], e->core.pin, sizeof(e->core.pin));
	done = !ha1_seal(sealed, &pin, pin_context(context, e), key, rand) &&
	       !json_object_set_new(json, "pin_sealed", json_string(sealed));
	explicit_bzero(&pin, sizeof(pin));
	return done;
}

json_t *extension_to_document(const void *value, const struct seal_key *key,
			      struct rand_source *rand)
{
	const struct extension *e = value;
	char sealed[HA1_SEALED_TEXT + 1], context[CONTEXT_MAX];
	struct extension initial;
	json_t *json;

	if (ha1_seal(sealed, &e->core.secret, seal_context(context, e), key, rand))
		return NULL;
	json = json_pack("{s:s, s:s}", "realm", e->realm, "ha1_sealed", sealed);
	if (json &&
	    ((e->located.count &&
	      json_object_set_new(json, "locations_sealed", located_seal(e, key, rand))) ||
	     !page_put(json, e) || !presence_put(json, e) || !pin_put(json, e, key, rand))) {
		json_decref(json);
		json = NULL;
	}
	extension_begin(&initial);
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
	switch (ha1_unseal(&e->core.secret, sealed, seal_context(context, e), r->key)) {
	case 0:
		return;
	case -EBADMSG:
		document_refuse(r, "ha1_sealed");
		return;
	default:
		e->realm[0] = '\0';
	}
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
		switch (ha1_unseal(&l->secret, given_next(&list, (size_t)i).text,
				   located_context(context, e, ids[i]), r->key)) {
		case 0:
			break;
		case -EBADMSG:
			document_refuse(r, "locations_sealed");
			return;
		default:
			e->realm[0] = '\0';
			return;
		}
	}
}

/* One that cannot be opened is none. */
static void fill_pin(struct document_reader *r, struct extension *e)
{
	struct bytes sealed = document_member(r, "pin_sealed").text;
	char context[CONTEXT_MAX];
	struct digest_secret pin = { 0 };

	if (!sealed.n)
		return;
	switch (ha1_unseal(&pin, sealed, pin_context(context, e), r->key)) {
	case 0:
		memcpy(e->core.pin, pin.ha1[DIGEST_SHA256], sizeof(e->core.pin));
		explicit_bzero(&pin, sizeof(pin));
		break;
	case -EBADMSG:
		document_refuse(r, "pin_sealed");
		break;
	default:
		break;
	}
}

static void fill_page(struct document_reader *r, struct extension *e)
{
	struct bytes text = document_member(r, "page").text;

	if (text.n && (base32_u64_get(text, &e->page) || !e->page))
		document_refuse(r, "page");
}

/* The field is what somebody may have written by hand. */
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

	extension_begin(e);
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

void extension_begin(struct extension *e)
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

/* What may be set of an extension. */

/* In the order of single_phone: REG-07. */
static const char *const g_phones[] = { "multi", "single", NULL };
/* In the order of media_elsewhere. */
static const char *const g_media_address[] = { "signalling", "sdp", NULL };
/* In the order of enum shard_webrtc. */
static const char *const g_webrtc[] = { "auto", "never", "always", NULL };

/* In the order of enum record_method, record_direction and record_scope. */
static const char *const g_record[] = { "off", "auto", "on_demand", NULL };
static const char *const g_record_directions[] = { "both", "inbound", "outbound", NULL };
static const char *const g_record_scope[] = { "both", "internal", "external", NULL };
/* In the order of enum record_to. */
static const char *const g_record_to[] = { "files", "siprec", "mailbox", NULL };

/* In the order of enum account_by. */
static const char *const g_account_code[] = { "off", "optional", "required", "override", NULL };

const char *const g_auto_answer_words[] = { "off", "alert-autoanswer", "auto-answer", NULL };

const char *const g_presence_sources[] = { "command", "page", "code", "calendar", NULL };

/* In the order of enum call_waiting. */
static const char *const g_call_waiting[] = { "phone", "off", "single", "multiple", NULL };

/* In the order of enum announce_to. */
static const char *const g_announce_to[] = { "callee", "caller", "both", NULL };

/* In the order of enum dial_scheme. */
static const char *const g_extension_dialling[] = { "dialplan", "enblock", "overlap", NULL };

/* In the order of enum shard_monitor. */
static const char *const g_monitor[] = { "all", "listed", "none", NULL };
/* In the order of enum shard_monitored. */
static const char *const g_monitored[] = { "parties", "state", "none", NULL };
/* In the order of enum phone_features. */
static const char *const g_phone_features[] = { "all", "no_do_not_disturb", "none", NULL };

static const char *field_forward_wrong(const void *value, const char *text)
{
	const struct extension *e = value;
	struct bytes list = bytes_str(text), one;
	uint32_t count = 0;

	if (list.n && (list.p[list.n - 1] == ',' || list.p[0] == ','))
		return "there is no number before or after a ','";
	while (bytes_cut(&list, ',', &one)) {
		if (!one.n || one.n >= FORWARD_TARGET_MAX)
			return "each number has 1 to 31 characters";
		if (bytes_is(one, e->core.number))
			return "an extension cannot forward to itself";
		if (++count > FORWARD_NUMBERS_MAX)
			return "there are at most 8 numbers";
	}
	return NULL;
}

static const char *extension_rules_wrong(const void *value, const char *text)
{
	(void)value;
	return dial_rules_wrong(bytes_str(text));
}

static const char *field_monitors_wrong(const void *value, const char *text)
{
	struct bytes list = bytes_str(text), one;

	(void)value;
	if (list.n && (list.p[list.n - 1] == ',' || list.p[0] == ','))
		return "there is no number before or after a ','";
	while (bytes_cut(&list, ',', &one)) {
		if (!one.n || one.n >= FORWARD_TARGET_MAX)
			return "each number has 1 to 31 characters";
	}
	return NULL;
}

/* In the order of enum box_notify. */
static const char *const g_box_notify[] = { "none", "urgent", "all", NULL };

/* HH:MM */
static bool minutes_read(struct bytes time, uint32_t *out)
{
	uint32_t hour, minute;

	if (time.n != 5 || time.p[2] != ':' || bytes_u32(bytes_sub(time, 0, 2), &hour) ||
	    bytes_u32(bytes_from(time, 3), &minute) || hour > 23 || minute > 59)
		return false;
	*out = hour * 60 + minute;
	return true;
}

bool box_times_read(const char *text, uint32_t *from, uint32_t *until)
{
	struct bytes rest = bytes_str(text), first;

	return bytes_cut(&rest, '-', &first) && minutes_read(first, from) &&
	       minutes_read(rest, until) && *from != *until;
}

static const char *field_notify_hours_wrong(const void *value, const char *text)
{
	uint32_t from, until;

	(void)value;
	return !command_allows(CHARSET_NAME, bytes_str(text)) &&
			       !box_times_read(text, &from, &until)
		       ? "it is the name of a calendar, or a time of each day, such as 08:00-18:00"
		       : NULL;
}

static const char *field_mail_wrong(const void *value, const char *text)
{
	const char *at = strchr(text, '@');

	(void)value;
	if (!text[0])
		return NULL;
	for (const char *p = text; *p; p++) {
		if (*p <= ' ' || *p > '~' || strchr("<>,;:\"\\()", *p))
			return "it is one address, such as one@example.org";
	}
	return at && at != text && at[1] && !strchr(at + 1, '@')
		       ? NULL
		       : "it is one address, such as one@example.org";
}

static const char *field_lamps_wrong(const void *value, const char *text)
{
	(void)value;
	return lamps_wrong(bytes_str(text));
}

static const char *field_pickup_wrong(const void *value, const char *text)
{
	struct bytes list = bytes_str(text), one;

	(void)value;
	if (list.n && (list.p[list.n - 1] == ',' || list.p[0] == ','))
		return "there is no name before or after a ','";
	while (bytes_cut(&list, ',', &one)) {
		if (!one.n || one.n >= 32)
			return "each name has 1 to 31 characters";
	}
	return NULL;
}

static const char *field_locations_wrong(const void *value, const char *text)
{
	uint16_t unused[EXTENSION_LOCATIONS_MAX];

	(void)value;
	return extension_locations(bytes_str(text), unused) < 0
		       ? "it is at most 8 different numbers, 1 to 65535"
		       : NULL;
}
static_assert(EXTENSION_LOCATIONS_MAX == 8, "the text above says it");

/* A file, "off" or "". */
static const char *field_music_wrong(const void *value, const char *text)
{
	struct sound_name unused;

	(void)value;
	if (!text[0] || sound_name_set(&unused, BYTES_LIT("tenant"), bytes_str(text), 8000))
		return NULL;
	return "the name of a file has no '.' in front";
}

static const char *announcement_wrong(const void *value, const char *text)
{
	struct bytes tenant = BYTES_LIT("tenant"), name = bytes_str(text);
	struct sound_name unused;

	(void)value;
	if (!text[0] || sound_name_set(&unused, tenant, name, 8000) ||
	    sound_prompt_set(&unused, tenant, (struct bytes){ 0 }, name, 8000))
		return NULL;
	return "it is the name of a file, without '.' in front, or prompt:NAME";
}

static const char *extension_language_wrong(const void *value, const char *text)
{
	(void)value;
	return sound_language_is_good(bytes_str(text)) ? NULL : SOUND_LANGUAGE_WRONG;
}

static const char *field_presence_wrong(const void *value, const char *text)
{
	(void)value;
	return presence_wrong(text);
}

static const char *field_greetings_wrong(const void *value, const char *text)
{
	(void)value;
	return greetings_wrong(text);
}

#undef FIELD_OF
#define FIELD_OF struct extension
#define FORWARD_FIELD(what, member, text) \
	TEXT_FIELD(what, forward.member, CHARSET_NUMBERS, field_forward_wrong, text)

const struct command_arg g_extension_fields[] = {
	KEY_FIELD("number", core.number, CHARSET_NUMBER,
		  "Number of the extension; also its user name for SIP."),
	{ .name = "password",
	  .type = ARG_SECRET,
	  .charset = CHARSET_TEXT,
	  .min = 4,
	  .max = 128,
	  .help = "New password; only hashes of it are kept. A new extension needs it, or ha1." },
	{ .name = "pin",
	  .type = ARG_SECRET,
	  .charset = CHARSET_NUMBER,
	  .min = 3,
	  .max = EXTENSION_PIN_MAX,
	  .help = "PIN of its mailbox, 4 to 16 digits; off: none, and only its own phone hears "
		  "the mailbox. Only a hash of it is kept." },
	{ .name = "ha1",
	  .type = ARG_SECRET,
	  .charset = CHARSET_TEXT,
	  .min = HA1_TEXT,
	  .max = HA1_TEXT,
	  .help = "In place of password: H(number:realm:password) in hex by MD5, SHA-256 and "
		  "SHA-512/256, joined by ':'. "
		  "tandemctl sends this, so that no password lies in Redis." },
	TEXT_FIELD("locations", locations, CHARSET_NUMBERS, field_locations_wrong,
		   "Ids of locations joined by ',', at most 8, where its phones may stand. A phone "
		   "that authenticates as NUMBER" LOCATED_MARK "ID is at that one: emergency calls "
		   "say so. A new one needs the password, or ha1 and location_ha1."),
	{ .name = "location_ha1",
	  .type = ARG_SECRET,
	  .charset = CHARSET_TEXT,
	  .min = HA1_TEXT,
	  .max = EXTENSION_LOCATIONS_MAX * (HA1_TEXT + 7),
	  .help = "With ha1: ID=HASHES of each of locations, joined by ',', where HASHES are as in "
		  "ha1, of NUMBER" LOCATED_MARK "ID. tandemctl sends this." },
	TEXT_FIELD("display_name", core.display_name, CHARSET_TEXT, NULL,
		   "Name shown to others. Callers of a flow find it by its first letters "
		   "(directory)."),
	FLAG_FIELD("unlisted", unlisted, "false", "true: callers do not find it by its name."),
	FLAG_FIELD("enabled", core.enabled, "true",
		   "false: it can neither register nor call, but for emergency calls."),
	FLAG_FIELD(
		"early_media", core.early_media, "false",
		"Pass 183 with SDP on to the phone; false: it gets 180, unless its codec profile "
		"says otherwise."),
	FLAG_FIELD("tls", core.tls_srtp, "false",
		   "It registers and calls over TLS only, but for emergency calls. Goes together "
		   "with srtp."),
	FLAG_FIELD("srtp", srtp, "false", "Its media is SRTP only. Goes together with tls."),
	FLAG_FIELD("sdes_insecure", core.sdes_insecure, "false",
		   "Offer and accept SRTP keys over UDP and TCP too, where others can read them."),
	WORD_FIELD("phones", core.single_phone, FIELD_NUMBER, g_phones, "multi",
		   "single: a second phone cannot register while one is registered."),
	NOT_FIELD("video", core.no_video,
		  "Video in its calls, where its codec profile has it too."),
	WORD_FIELD("webrtc", core.webrtc, FIELD_NUMBER, g_webrtc, "auto",
		   "DTLS-SRTP with ICE. auto: offered to phones on a WebSocket, accepted over TLS, "
		   "too; always: over any transport."),
	WORD_FIELD("media_address", core.media_elsewhere, FIELD_NUMBER, g_media_address,
		   "signalling",
		   "Where its media comes from and goes to. signalling: the host its SIP comes "
		   "from; sdp: the one its SDP names, for phones with a media address of their "
		   "own."),
	NOT_FIELD(
		"hold", core.no_hold,
		"Its phones may hold whom they speak with. false: a re-INVITE or UPDATE that would "
		"is answered 403, and the call goes on; commands hold all the same."),
	NOT_FIELD("transfer", core.no_transfer,
		  "Its phones may give a party to somebody else. false: REFER is answered 403."),
	NOT_FIELD(
		"forwarding_codes", core.no_forwarding_codes,
		"Its phones may change forward_* by feature codes. false: such a code is answered "
		"403; commands change them all the same."),
	NOT_FIELD("do_not_disturb_codes", core.no_do_not_disturb_codes,
		  "The same of do_not_disturb and smart_do_not_disturb."),
	WORD_FIELD(
		"phone_features", core.phone_features, FIELD_NUMBER, g_phone_features, "all",
		"What its phones show and set by as-feature-event. all: do not disturb and "
		"forwarding; no_do_not_disturb: forwarding, and their key for do not disturb does "
		"nothing; none: nothing, and they watch no presence, as old phones."),
	WORDS_FIELD(
		"features_off", core.withheld, g_entitlements, ENTITLEMENT_COUNT, "none",
		"Features that it does not have, joined by ',': who uses one of them is refused "
		"(not_entitled). presence, lamps: its phones watch nobody so; feature_sync: they "
		"are not told of do_not_disturb and forward_*; park, transfer, record_key: they do "
		"not do that, nor does its user; conference: they make none by a factory; "
		"call_control: its user controls no calls by a session; auto_answer: its phones "
		"are not asked to answer; video: its calls have none."),
	WORDS_FIELD(
		"classes", core.classes, g_dial_classes, DIAL_CLASS_COUNT,
		"toll_free, local, national, mobile",
		"Classes of numbers outside that it may call, by the tenant's dial plan. other: "
		"numbers that no class has. None: it calls nobody outside. Emergency numbers are "
		"of no class."),
	WORD_FIELD(
		"dialling", core.dialling, FIELD_NUMBER, g_extension_dialling, "dialplan",
		"How its phones send what is dialled. dialplan: as dialling of the tenant's dial "
		"plan says; enblock, overlap: as there, for this extension."),
	TEXT_FIELD("dial_rules", forward.dial_rules, CHARSET_TEXT, extension_rules_wrong,
		   "Changes of what its phones dial, as rules of dialplan.put: "
		   "PREFIX>REPLACEMENT or PREFIX>REPLACEMENT/LENGTH, joined by ','. The first one "
		   "counts that fits; the plan's come after it."),
	NUMBER_FIELD("outside_calls", core.outside_calls, 0, UINT16_MAX, "4",
		     "Calls to numbers outside that it has at a time at most, with those that it "
		     "forwards or gives away. 0: any number. Emergency calls are not limited."),
	NUMBER_FIELD(
		"outside_minutes", core.outside_minutes, 0, UINT16_MAX, "480",
		"Minutes that they talk in a day (UTC) at most, all together; then they end. 0: "
		"any number."),
	WORD_FIELD(
		"record", core.record, FIELD_NUMBER, g_record, "off",
		"Recording of its calls. auto: each that record_direction and record_scope have, "
		"from the answer on; on_demand: call.record begins and ends it, and its party by "
		"in-call codes (call_codes "
		"in the node file) and record_page; off: none. Where "
		"callers must know of it, tell them: see the guide."),
	WORD_FIELD(
		"record_direction", core.record_directions, FIELD_NUMBER, g_record_directions,
		"both",
		"With record=auto. inbound: calls that come to it; outbound: those that it makes."),
	WORD_FIELD(
		"record_scope", core.record_scope, FIELD_NUMBER, g_record_scope, "both",
		"With record=auto. internal: calls with extensions; external: those with trunks."),
	WORD_FIELD(
		"record_to", core.record_to, FIELD_NUMBER, g_record_to, "files",
		"Where they go: files of the node; mailbox, files that lie in the mailbox of its "
		"number (recording.list mailbox); or siprec, the external recorder of the "
		"setting siprec.address. call.record may say otherwise."),
	WORD_FIELD("record_tone", core.record_tone, FIELD_NUMBER, g_record_tone, "default",
		   "Whether a tone tells both parties that its calls are recorded: on, off, or "
		   "default, as record_tone of its tenant says. How often, recordings.tone says; "
		   "where that is 0s, every 15 s."),
	FLAG_FIELD("record_page", core.record_page, "false",
		   "A page for its phone's browser, with a Record key while it speaks: "
		   "extension.page has its link. With another record than on_demand the page has "
		   "no key. false, and then true again, makes another link."),
	{ .name = "record_page_renew",
	  .type = ARG_BOOL,
	  .help = "true: another link to its page; the one before is good no longer." },
	WORD_FIELD("account_code", core.account_code, FIELD_NUMBER, g_account_code, "off",
		   "Whether its phones enter account codes of calls. optional: at any time, by the "
		   "in-call code (call_codes.account in the node file); required: and before each "
		   "call outside; override: likewise, and # alone lets it go out without one; off: "
		   "they do not. call.account_code sets one in any case."),
	WORD_FIELD("monitor", core.monitor, FIELD_NUMBER, g_monitor, "all",
		   "Whom its phones may watch by BLF. listed: those of monitors; none: itself "
		   "alone. SUBSCRIBE for others is answered 403."),
	TEXT_FIELD("monitors", monitors, CHARSET_NUMBERS, field_monitors_wrong,
		   "Numbers joined by ',' that it may watch with monitor=listed."),
	TEXT_FIELD("lamps", lamps, CHARSET_TEXT, field_lamps_wrong,
		   "Lamps of its phones, at most 10, which they watch as the list lamps-NUMBER: "
		   "SLOT=blf:NUMBER for an extension of its monitors, or SLOT=park:SLOT for a slot "
		   "of parked calls, joined by ','; SLOT before '=' is 1 to 10. :LABEL behind it "
		   "is shown at the key; without one it is the name of the extension. blf_lamps of "
		   "tenant.put says how many may be blf."),
	FLAG_FIELD("lamps_splash", lamps_splash, "false",
		   "true: its phones ring and show who calls where a lamp of theirs does; false: "
		   "the key blinks. It is for who makes settings of phones."),
	WORD_FIELD("monitored", core.monitored, FIELD_NUMBER, g_monitored, "parties",
		   "What those may know who watch it. parties: that it speaks, with whom and in "
		   "which dialog; state: that it speaks; none: nothing."),
	TEXT_FIELD("pickup_groups", pickup_groups, CHARSET_NUMBERS, field_pickup_wrong,
		   "Pick-up groups that it is in: names joined by ','. Extensions of one group may "
		   "take the calls that ring at each other; phones of one extension always may."),
	TEXT_FIELD("park_groups", park_groups, CHARSET_NUMBERS, field_pickup_wrong,
		   "Groups of the tenant's slots that it uses (park_groups of tenant.put): names "
		   "joined by ','. A code without a slot parks in the first one. Of no importance "
		   "where the tenant has none."),
	TEXT_FIELD(
		"hours", hours, CHARSET_NUMBERS, field_pickup_wrong,
		"Opening hours that its phones may open and close by a feature code: names joined "
		"by ','; *: all."),
	TEXT_FIELD(
		"groups_out", groups_out, CHARSET_NUMBERS, field_pickup_wrong,
		"Groups that it is logged out of (group.put): names joined by ','; *: all. None of "
		"them rings it. group.login, group.logout and two feature codes change it."),
	FORWARD_FIELD(
		"forward_always", always,
		"Number that all calls to it go to instead; no phone of it rings. Several "
		"joined by ',', at most 8, are tried one after the other: the next one when a "
		"number is busy, does not answer or is not there, and does not send the call "
		"on. A number may be the code of a slot (#4107), as its phones dial it: who "
		"calls waits there. Empty: off."),
	FORWARD_FIELD("forward_busy", busy,
		      "The same when a phone of it says busy, with do_not_disturb, with "
		      "smart_do_not_disturb while it has a call, and where call_waiting says so."),
	FORWARD_FIELD("forward_no_answer", no_answer,
		      "The same when nobody has answered after forward_rings rings."),
	FORWARD_FIELD("forward_unreachable", unreachable,
		      "The same when no phone of it is registered, or none answers the INVITE."),
	NUMBER_FIELD("forward_rings", forward.rings, 0, FORWARD_RINGS_MAX, "0",
		     "Rings of 6 s before forward_no_answer, and before the next number of a list; "
		     "0: as long as any call rings, in a list 4."),
	FLAG_FIELD("do_not_disturb", forward.do_not_disturb, "false",
		   "No phone of it rings; its calls are those of a busy one. It can still call."),
	FLAG_FIELD("smart_do_not_disturb", forward.smart_do_not_disturb, "false",
		   "The same while it has a call, made or taken, or its phones ring for one: the "
		   "first call rings, any further one meets a busy extension."),
	WORD_FIELD(
		"call_waiting", forward.call_waiting, FIELD_NUMBER, g_call_waiting, "phone",
		"What a call meets that comes while it has another one. phone: its phones ring, "
		"and do as they like; off: it is busy; single: the call waits, who speaks hears "
		"a tone, and its phones ring when it hangs up, holds or parks; one more finds it "
		"busy; multiple: five wait so, and ring in their order."),
	WORD_FIELD("auto_answer", core.auto_answer, FIELD_NUMBER, g_auto_answer_words, "off",
		   "Whether its phones are asked to answer all calls by themselves: the word that "
		   "they know in Alert-Info (info=...), or off."),
	NUMBER_FIELD(
		"auto_answer_s", core.auto_answer_s, 0, AUTO_ANSWER_MAX_S, "0",
		"Seconds that they ring before they do (delay of Alert-Info). 0: at once, with "
		"Answer-Mode: Auto as well."),
	TEXT_FIELD("application", forward.application, CHARSET_NAME, NULL,
		   "Application that its calls wait for; no phone of it rings. Empty: off."),
	NUMBER_FIELD(
		"application_wait_s", forward.application_wait_s, 0, APPLICATION_WAIT_MAX_S, "0",
		"How long they wait, then forward_no_answer counts, or they get 480; 0: 60 s."),
	TEXT_FIELD(
		"outside_number", forward.outside_number, CHARSET_NUMBER, NULL,
		"Number as which it is shown outside, by trunks. Empty: caller_id of the trunk."),
	TEXT_FIELD(
		"outside_numbers", forward.outside_numbers, CHARSET_NUMBERS, NULL,
		"Numbers as which its phones may ask to be shown by P-Preferred-Identity, joined "
		"by ','."),
	TEXT_FIELD("blocked", forward.blocked, CHARSET_NUMBERS, NULL,
		   "Callers whose calls it does not take: numbers joined by ','. They hear 603 "
		   "(Decline). "
		   "anonymous: who hides his number hears 433."),
	TEXT_FIELD("announce_inside", forward.announce_inside, CHARSET_TEXT, announcement_wrong,
		   "What whom its phones call hears first, when it has answered, while the caller "
		   "hears hold music: a file in media.sounds, or prompt:NAME. Then they speak. "
		   "Empty: nothing."),
	TEXT_FIELD("announce_outside", forward.announce_outside, CHARSET_TEXT, announcement_wrong,
		   "The same of calls to numbers outside, but for emergency calls."),
	WORD_FIELD("announce_to", forward.announce_to, FIELD_NUMBER, g_announce_to, "callee",
		   "Who hears it, while the other one hears hold music: callee, who was called; "
		   "caller, its own phone; both: where their phones take the same codec."),
	TEXT_FIELD("music", music, CHARSET_NAME, field_music_wrong,
		   "What those hear whom it holds: name of a file in media.sounds, which need not "
		   "be there yet; off: none, so that what its phone sends is heard; empty, or "
		   "while the file cannot be used: as media.music says."),
	TEXT_FIELD("presence", presence.words[PRESENCE_MANUAL].state, CHARSET_NAME,
		   field_presence_wrong,
		   "Its presence: available, busy, do_not_disturb, in_a_meeting, away, "
		   "out_of_office, off_work, or another word. Empty: available. No phone rings "
		   "otherwise for it. extension.presence says it, too, and tells of it."),
	TEXT_FIELD(
		"greetings", greetings, CHARSET_TEXT, field_greetings_wrong,
		"What callers hear in each presence, where an application plays greeting:NUMBER: "
		"STATE=FILE joined by ',', where FILE is a file in media.sounds, prompt:NAME or "
		"recording:CALL-NUMBER. default=FILE: in all others. extension.greeting sets "
		"one."),
	TEXT_FIELD("language", core.language, CHARSET_NAME, extension_language_wrong,
		   "Language of the prompts that its phones hear, such as de. Empty: that of its "
		   "tenant."),
	TEXT_FIELD("mailbox_members", box.members, CHARSET_NUMBERS, field_monitors_wrong,
		   "Extensions that see the mailbox of its number as it does itself: numbers "
		   "joined by ','. Their users list, hear and change its messages, and their "
		   "phones may watch how many there are. by of a message says who changed it "
		   "last."),
	NUMBER_FIELD("mailbox_messages", box.messages, 0, UINT16_MAX, "0",
		     "Messages that its mailbox has room for, new and old; 0: any number. A full "
		     "one says so before the beep."),
	NUMBER_FIELD("mailbox_minutes", box.minutes, 0, UINT16_MAX, "0",
		     "Minutes that its messages may have, all together; 0: any number."),
	NUMBER_FIELD("mailbox_days", box.days, 0, UINT16_MAX, "0",
		     "Days after which its messages are deleted, as message.delete does; 0: "
		     "never. It is looked at once a day."),
	TEXT_FIELD("mailbox_mail", box.mail, CHARSET_TEXT, field_mail_wrong,
		   "Address to which its new messages are sent (mail.url in the node file). "
		   "Empty: none."),
	NOT_FIELD("mailbox_mail_audio", box.mail_no_audio,
		  "The mail has the message itself, as WAV; false: it says that there is one."),
	FLAG_FIELD("mailbox_mail_delete", box.mail_delete, "false",
		   "true: a message is deleted when it was sent with its audio."),
	FLAG_FIELD("mailbox_transcribe", box.transcribe, "false",
		   "true: what was said stands beside its messages as text (transcription.url in "
		   "the node file), in mails, too."),
	WORD_FIELD("mailbox_notify", box.notify, FIELD_NUMBER, g_box_notify, "none",
		   "Which new messages are told by a call to mailbox_notify_to: none, urgent "
		   "ones or all."),
	TEXT_FIELD("mailbox_notify_to", box.notify_to, CHARSET_NUMBER, NULL,
		   "Who is called then: an extension, or a number outside as this extension "
		   "dials it, for which it pays. Empty: the extension itself."),
	TEXT_FIELD("mailbox_notify_hours", box.notify_hours, CHARSET_TEXT, field_notify_hours_wrong,
		   "Opening hours in which it is called, or a time of each day, as 08:00-18:00; "
		   "outside of them the call waits. Empty: at any time."),
	NUMBER_FIELD("mailbox_notify_retry_s", box.notify_retry_s, 0, 3600, "0",
		     "Seconds until it is called again while such a message is new, doubled each "
		     "time, 5 calls in all; 0: 300."),
	{ .name = NULL },
};
