/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads NAME.json, the facts of a finished recording. folder.c and the process_* files need call,
 * tenant, parties, times and format to deliver and to keep it. The file may be damaged, or written
 * by another version or another recorder: names that could leave the folder, and texts that are too
 * long, are refused and not cut. Pure.
 */

#include <ctype.h>
#include <errno.h>
#include <string.h>

#include <jansson.h>

#include "app/deliver/sidecar.h"
#include "app/record/aes128gcm.h"

const char *const g_sidecar_formats[] = { "wav", "pcapng", "opus", NULL };

bool sidecar_name_fits(struct bytes name, size_t most)
{
	if (!name.n || name.n > most || name.p[0] == '.')
		return false;
	for (size_t i = 0; i < name.n; i++) {
		uint8_t c = name.p[i];

		if (!isascii(c) || (!isalnum(c) && c != '.' && c != '_' && c != '-'))
			return false;
	}
	return true;
}

static struct bytes sidecar_text(const json_t *object, const char *key)
{
	const json_t *value = json_object_get(object, key);

	return bytes_mem(json_string_value(value), json_string_length(value));
}

/* Absent: zero. */
static int sidecar_number(const json_t *object, const char *key, uint64_t least, uint64_t most,
			  uint64_t *out)
{
	const json_t *value = json_object_get(object, key);
	json_int_t n = json_integer_value(value);

	if ((value && !json_is_integer(value)) || n < 0 || (uint64_t)n < least ||
	    (uint64_t)n > most)
		return -EBADMSG;
	*out = (uint64_t)n;
	return 0;
}

static int sidecar_name(const json_t *object, const char *key, char *out, size_t cap)
{
	struct bytes text = sidecar_text(object, key);

	return sidecar_name_fits(text, cap - 1) ? bytes_cstr(text, out, cap) : -EBADMSG;
}

/* Reads a party: a text that is too long is refused, never cut; absent is empty. */
static int sidecar_party(const json_t *object, const char *key, char *out, size_t cap)
{
	struct bytes text = sidecar_text(object, key);

	if (memchr(text.p ? (const void *)text.p : "", '\0', text.n))
		return -EBADMSG;
	return bytes_cstr(text, out, cap) ? -EBADMSG : 0;
}

/* "2026-11-25T00:00:00.000Z", with or without the parts of a second. */
static int sidecar_time(const json_t *object, const char *key, char *out)
{
	static const char shape[] = "0000-00-00T00:00:00";
	struct bytes text = sidecar_text(object, key);

	if (text.n < sizeof(shape) || text.n > SIDECAR_TIME_LEN || text.p[text.n - 1] != 'Z')
		return -EBADMSG;
	for (size_t i = 0; i < text.n - 1; i++) {
		bool digit = isdigit(text.p[i]) != 0;

		if (i >= sizeof(shape) - 1 ? !digit && (text.p[i] != '.' || i != sizeof(shape) - 1)
					   : digit != (shape[i] == '0') ||
						     (!digit && text.p[i] != (uint8_t)shape[i]))
			return -EBADMSG;
	}
	return bytes_cstr(text, out, SIDECAR_TIME_LEN + 1);
}

static int sidecar_format_read(const json_t *object, enum sidecar_format *out)
{
	struct bytes text = sidecar_text(object, "format");

	for (unsigned i = 0; i < SIDECAR_FORMATS; i++) {
		if (bytes_is(text, g_sidecar_formats[i])) {
			*out = (enum sidecar_format)i;
			return 0;
		}
	}
	return -EBADMSG;
}

static int sidecar_numbers(const json_t *object, struct sidecar *out)
{
	uint64_t number = 0, segment = 0, rate = 0, channels = 0;
	int err = sidecar_number(object, "number", 1, 255, &number);

	if (!err)
		err = sidecar_number(object, "segment", 1, UINT16_MAX, &segment);
	if (!err)
		err = sidecar_number(object, "rate", 0, 192000, &rate);
	if (!err)
		err = sidecar_number(object, "channels", 0, 8, &channels);
	if (!err)
		err = sidecar_number(object, "duration_ms", 0, INT64_MAX, &out->duration_ms);
	if (!err)
		err = sidecar_number(object, "octets", 0, INT64_MAX, &out->octets);
	out->number = (uint32_t)number;
	out->segment = (uint32_t)segment;
	out->rate = (uint32_t)rate;
	out->channels = (uint32_t)channels;
	return err;
}

static int sidecar_call(const json_t *object, struct sidecar *out)
{
	struct bytes text = sidecar_text(object, "call");
	uint64_t id;

	if (text.n != SIDECAR_CALL_LEN || base32_u64_get(text, &id))
		return -EBADMSG;
	return bytes_cstr(text, out->call, sizeof(out->call));
}

static int sidecar_read(const json_t *object, struct sidecar *out)
{
	int err = sidecar_call(object, out);

	if (!err)
		err = sidecar_numbers(object, out);
	if (!err)
		err = sidecar_format_read(object, &out->format);
	if (!err)
		err = sidecar_name(object, "tenant", out->tenant, sizeof(out->tenant));
	if (!err)
		err = sidecar_name(object, "file", out->file, sizeof(out->file));
	if (!err)
		err = sidecar_time(object, "begun", out->begun);
	if (!err)
		err = sidecar_party(object, "from", out->from, sizeof(out->from));
	if (!err)
		err = sidecar_party(object, "to", out->to, sizeof(out->to));
	out->last = json_is_true(json_object_get(object, "last"));
	out->interrupted = json_is_true(json_object_get(object, "interrupted"));
	out->sealed = json_is_string(json_object_get(object, "encrypted"));
	out->aes128gcm = bytes_is(sidecar_text(object, "encrypted"), AES128GCM_KIND);
	out->message = bytes_is(sidecar_text(object, "cause"), "message");
	out->mailbox = sidecar_text(object, "mailbox").n != 0;
	return err;
}

int sidecar_parse(struct sidecar *out, struct bytes json)
{
	struct sidecar found = { 0 };
	json_t *object;
	int err = -EBADMSG;

	if (json.n > SIDECAR_MAX)
		return -EBADMSG;
	object = json_loadb((const char *)json.p, json.n, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL,
			    NULL);
	if (json_is_object(object))
		err = sidecar_read(object, &found);
	json_decref(object);
	if (!err)
		*out = found;
	return err;
}
