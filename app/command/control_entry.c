/* SPDX-License-Identifier: Apache-2.0 */
#include "app/command/control_entry.h"

#include <errno.h>

int control_entry_begin(struct control_entry *e, struct bytes stream_id)
{
	*e = (struct control_entry){ 0 };
	return bytes_u64(bytes_sub(stream_id, 0, bytes_find(stream_id, '-')), &e->added_utc_ms);
}

void control_entry_field(struct control_entry *e, struct bytes name, struct bytes value)
{
	if (bytes_is(name, "v")) {
		e->version = value;
	} else if (bytes_is(name, "id")) {
		e->id = value;
	} else if (bytes_is(name, "do")) {
		e->command = value;
	} else if (bytes_is(name, "args")) {
		e->args = value;
	} else if (bytes_is(name, "client")) {
		e->client = value;
	} else if (bytes_is(name, "claim")) {
		e->claim = value;
	} else if (bytes_is(name, "ttl_ms")) {
		e->bad_ttl = bytes_u64(value, &e->ttl_ms) || e->ttl_ms == 0;
	} else if (bytes_is(name, "passed") && bytes_u64(value, &e->passed)) {
		e->passed = UINT64_MAX; /* no node wrote that */
	} else if (bytes_is(name, "since") && bytes_u64(value, &e->added_utc_ms)) {
		e->added_utc_ms = 0;
	}
}

/* It becomes part of a key. */
static bool is_name(struct bytes text)
{
	for (size_t i = 0; i < text.n; i++) {
		uint8_t c = text.p[i];
		bool fine = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
			    (c >= 'A' && c <= 'Z') || c == '.' || c == '_' || c == '-';

		if (!fine)
			return false;
	}
	return text.n > 0 && text.n <= CONTROL_NAME_MAX;
}

const char *control_entry_check(struct control_entry *e)
{
	bool good_id = is_name(e->id), good_client = e->client.n == 0 || is_name(e->client);

	if (!good_id)
		e->id = (struct bytes){ 0 };
	if (!good_client)
		e->client = (struct bytes){ 0 };
	if (!good_client)
		return "client must be 1 to 64 letters, digits, '.', '_' or '-'";
	if (!good_id)
		return "id must be 1 to 64 letters, digits, '.', '_' or '-'";
	if (!bytes_is(e->version, "1"))
		return "v must be 1";
	if (e->command.n == 0)
		return "do must be the name of a command";
	if (e->args.n > CONTROL_ARGS_MAX)
		return "args is longer than 16384 bytes";
	if (e->bad_ttl)
		return "ttl_ms must be a whole number above 0";
	return NULL;
}

bool control_entry_is_expired(const struct control_entry *e, uint64_t utc_ms)
{
	return e->ttl_ms && utc_ms > e->added_utc_ms && utc_ms - e->added_utc_ms > e->ttl_ms;
}
