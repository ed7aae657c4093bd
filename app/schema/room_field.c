/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The document of a conference room: fields, defaults, checks, and its PINs, which are sealed as
 * one padded text so that their lengths do not show. command_conference.c puts rooms; a dialled
 * room is opened by the core's copy. The seal is bound to tenant and number: PINs copied to another
 * room do not open.
 */

#include "app/schema/room_field.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include <openssl/crypto.h>

#include "app/schema/field.h"

enum { MEMBERS = 100, TALKERS = 3, RATE = 16000 };

/* In the order of enum room_tone. */
static const char *const g_room_tones[] = { "none", "tone", "name", NULL };
/* In the order of enum room_record. */
static const char *const g_room_record[] = { "off", "on_demand", "auto", NULL };

static const char *field_rate_wrong(const void *value, const char *text)
{
	uint32_t rate = ((const struct room_value *)value)->core.rate;

	(void)text;
	return rate == 8000 || rate == 16000 || rate == 48000 ? NULL : "it is 8000, 16000 or 48000";
}

#undef FIELD_OF
#define FIELD_OF struct room_value

const struct command_arg g_room_fields[] = {
	KEY_FIELD("number", core.number, CHARSET_NUMBER,
		  "Number of the room, which its members dial. No extension has it, and no feature "
		  "code is in front of it."),
	TEXT_FIELD("name", core.name, CHARSET_TEXT, NULL, "What people call it."),
	{ .name = "pin",
	  .type = ARG_SECRET,
	  .charset = CHARSET_PIN,
	  .min = 3,
	  .max = ROOM_PIN_MAX - 1,
	  .help = "PIN that callers are asked for, 4 to 16 digits; off: none, and every caller of "
		  "the number is a member. It is never shown. Absent: unchanged; at first off, as "
		  "host_pin." },
	{ .name = "host_pin",
	  .type = ARG_SECRET,
	  .charset = CHARSET_PIN,
	  .min = 3,
	  .max = ROOM_PIN_MAX - 1,
	  .help = "PIN that makes its caller a host; it must differ from pin. off: the room has no "
		  "host." },
	NUMBER_FIELD("max_members", core.max_members, ROOM_MEMBERS_MIN, ROOM_MEMBERS_MAX, "100",
		     "Members at a time at most, with its hosts."),
	NUMBER_FIELD("talkers", core.talkers, 0, ROOM_TALKERS_MAX, "3",
		     "How many members are heard at a time: the loudest speakers. 0: all who are "
		     "not silent."),
	{ .name = "rate",
	  .type = ARG_U64,
	  .min = 8000,
	  .max = 48000,
	  .preset = FIELD_PRESET("16000"),
	  .help = "Samples a second of what its members hear: 8000, 16000 or 48000.",
	  .field = { FIELD_AT(FIELD_NUMBER, core.rate), .wrong = field_rate_wrong } },
	FLAG_FIELD("locked", core.locked, "false",
		   "Only hosts come in, from its opening on, until one of them opens it."),
	WORD_FIELD("entry_tone", core.entry, FIELD_NUMBER, g_room_tones, "tone",
		   "What members hear when somebody joins. name: the name of the new member, which "
		   "callers are asked for after the PIN."),
	WORD_FIELD("exit_tone", core.exit, FIELD_NUMBER, g_room_tones, "tone",
		   "As entry_tone, when somebody leaves."),
	FLAG_FIELD("muted", core.muted, "false", "Members come in muted. Hosts do not."),
	FLAG_FIELD("wait_for_host", core.wait_for_host, "false",
		   "Members hear music, and nobody else, until a host is there. Needs host_pin."),
	FLAG_FIELD("ends_with_host", core.ends_with_host, "false",
		   "The conference ends for all when its last host leaves. Needs host_pin."),
	FLAG_FIELD("factory", core.factory, "false",
		   "Each caller of the number gets a new conference, and is its host. Its size and "
		   "rules are those of conferences of calls (conferences.ad_hoc_members): of the "
		   "other settings its name alone counts. It has no PIN."),
	WORD_FIELD("record", core.record, FIELD_NUMBER, g_room_record, "off",
		   "Recording of what is said in it. auto: from the second member on; on_demand: "
		   "where a command or a host begins it; off: none. Where members must know of it, "
		   "tell them: see the guide."),
	GOES_WITH_FIELD(
		"owner", owner, CHARSET_NUMBER, "extension",
		"Extension of the user who may change and delete it by a session "
		"(user_rooms of tenant.put). It goes with that. Empty: administrators alone."),
	{ .name = NULL },
};
static_assert(ROOM_PIN_MIN == 4 && ROOM_PIN_MAX == 17, "the text above says it");
static_assert(MEMBERS == 100 && TALKERS == 3 && RATE == 16000, "the presets above say it");

static const struct form g_room_form = { .fields = g_room_fields, FORM_OF(struct room_value) };

void room_default(struct room_value *out)
{
	*out = (struct room_value){ .core = { .max_members = MEMBERS,
					      .talkers = TALKERS,
					      .rate = RATE,
					      .entry = ROOM_TONE_BEEP,
					      .exit = ROOM_TONE_BEEP } };
}

bool room_pin_set(char pin[ROOM_PIN_MAX], struct bytes text)
{
	bool digits = text.n >= ROOM_PIN_MIN && text.n < ROOM_PIN_MAX;

	for (size_t i = 0; i < text.n; i++)
		digits &= text.p[i] >= '0' && text.p[i] <= '9';
	if (!digits && !bytes_is(text, ROOM_NO_PIN))
		return false;
	memset(pin, 0, ROOM_PIN_MAX);
	if (digits)
		memcpy(pin, text.p, text.n);
	return true;
}

const char *room_wrong(const struct room_value *r, const char **member)
{
	*member = r->core.pin[0] ? "pin" : "host_pin";
	if (r->core.factory && (r->core.pin[0] || r->core.host_pin[0]))
		return "a factory asks for no PIN: pin and host_pin are off";
	*member = "host_pin";
	if (r->core.pin[0] && !strcmp(r->core.pin, r->core.host_pin))
		return "host_pin is another one than pin";
	*member = r->core.wait_for_host ? "wait_for_host" : "ends_with_host";
	if ((r->core.wait_for_host || r->core.ends_with_host) && !r->core.host_pin[0])
		return "without host_pin nobody is a host: give one as well";
	return NULL;
}

json_t *room_to_view(const struct room_value *r)
{
	json_t *json = form_view(&g_room_form, r);

	if (json && (json_object_set_new(json, "has_pin", json_boolean(r->core.pin[0])) ||
		     json_object_set_new(json, "has_host_pin", json_boolean(r->core.host_pin[0])) ||
		     json_object_set_new(json, "pins_valid", json_boolean(!r->unread)))) {
		json_decref(json);
		return NULL;
	}
	return json;
}

/* ---- in Redis ---- */

/* Both PINs, padded to hide their lengths. */
enum {
	PINS_OCTETS = 2 * ROOM_PIN_MAX,
	PINS_SEALED = PINS_OCTETS + SEAL_OVERHEAD,
	PINS_CONTEXT = 64,
};

/* The seal's context: PINs copied to another room do not open. */
static struct bytes room_context(char buf[PINS_CONTEXT], const struct room_value *r)
{
	struct writer w = writer_over(buf, PINS_CONTEXT);

	WRITER_TEXTS(&w, "room ", r->core.number);
	return writer_done(&w);
}

static int pins_seal(char out[2 * PINS_SEALED + 1], const struct room_value *r,
		     const struct seal_key *key, struct rand_source *rand)
{
	uint8_t plain[PINS_OCTETS], sealed[PINS_SEALED];
	struct writer hex = writer_over(out, 2 * PINS_SEALED);
	char context[PINS_CONTEXT];
	size_t n = 0;
	int err;

	memcpy(plain, r->core.pin, ROOM_PIN_MAX);
	memcpy(plain + ROOM_PIN_MAX, r->core.host_pin, ROOM_PIN_MAX);
	err = seal_make(key, rand, room_context(context, r), bytes_mem(plain, sizeof(plain)),
			sealed, sizeof(sealed), &n);
	writer_hex(&hex, bytes_mem(sealed, n));
	out[hex.n] = '\0';
	OPENSSL_cleanse(plain, sizeof(plain));
	return err;
}

json_t *room_to_document(const void *value, const struct seal_key *key, struct rand_source *rand)
{
	const struct room_value *r = value;
	char sealed[2 * PINS_SEALED + 1];
	json_t *json = form_view(&g_room_form, r);

	if (json && (r->core.pin[0] || r->core.host_pin[0]) &&
	    (pins_seal(sealed, r, key, rand) ||
	     json_object_set_new(json, "pins_sealed", json_string(sealed)))) {
		json_decref(json);
		return NULL;
	}
	return document_versioned(json);
}

/* One of the PINs in the plain text: digits or nothing, then zeros. */
static bool room_pin_unpack(char pin[ROOM_PIN_MAX], const uint8_t plain[ROOM_PIN_MAX])
{
	size_t n = strnlen((const char *)plain, ROOM_PIN_MAX);

	return n == 0 || room_pin_set(pin, bytes_mem(plain, n));
}

static bool pins_open(struct room_value *r, struct bytes sealed, const struct seal_key *key)
{
	uint8_t plain[PINS_OCTETS];
	char context[PINS_CONTEXT];
	enum seal_refusal why;
	size_t n = 0;
	bool ok =
		!seal_open(key, room_context(context, r), sealed, plain, sizeof(plain), &n, &why) &&
		n == sizeof(plain) && room_pin_unpack(r->core.pin, plain) &&
		room_pin_unpack(r->core.host_pin, plain + ROOM_PIN_MAX);

	OPENSSL_cleanse(plain, sizeof(plain));
	return ok;
}

/* After its number, which the seal is bound to. */
static void room_fill_pins(struct document_reader *r, struct room_value *room)
{
	struct given given = document_member(r, "pins_sealed");
	uint8_t sealed[PINS_SEALED];
	size_t n = 0;

	if (given.kind == GIVEN_NOTHING)
		return;
	if (given.kind != GIVEN_TEXT || hex_decode(given.text, sealed, sizeof(sealed), &n) ||
	    n != sizeof(sealed))
		document_refuse(r, "pins_sealed");
	else
		room->unread = !pins_open(room, bytes_mem(sealed, n), r->key);
}

static void room_fill(struct document_reader *r, void *value)
{
	struct room_value *room = value;
	const char *member = NULL;

	room_default(room);
	field_fill(r, g_room_fields, room);
	room_fill_pins(r, room);
	if (!room->unread && room_wrong(room, &member))
		document_refuse(r, member);
	room->changed_utc_ms = document_changed(r);
}

int room_from_document(void *value, struct bytes json, const struct seal_key *key,
		       const char **reason)
{
	return document_read(json, key, room_fill, value, sizeof(struct room_value), reason);
}
