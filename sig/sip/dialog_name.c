/* SPDX-License-Identifier: Apache-2.0 */
/* Parses the headers that name a dialog: Target-Dialog (RFC 4538), Replaces and Join (RFC 3891, RFC
 * 3911), also as a header in a URI (RFC 3261 19.1.1). Pure; used by shards to find the leg, and to
 * route a message to the shard of the named dialog. */

#include <errno.h>

#include "sig/sip/dialog_name.h"
#include "sig/sip/lex.h"
#include "sig/sip/message.h"

static int target_set_tag(struct bytes *tag, struct bytes value)
{
	if (tag->n || !lex_is_token(value))
		return -EINVAL;
	*tag = value;
	return 0;
}

static int read_tags(struct target_dialog *out, struct bytes params)
{
	struct lex_param p;
	int more, err = 0;

	while ((more = lex_param(&params, &p)) == 1 && !err) {
		if (bytes_iis(p.name, "local-tag"))
			err = target_set_tag(&out->local_tag, p.value);
		else if (bytes_iis(p.name, "remote-tag"))
			err = target_set_tag(&out->remote_tag, p.value);
	}
	return more < 0 || err || !out->local_tag.n || !out->remote_tag.n ? -EINVAL : 0;
}

int target_dialog_parse(struct target_dialog *out, struct bytes value)
{
	size_t n = bytes_find(value, ';');

	*out = (struct target_dialog){ .call_id = bytes_trim(bytes_sub(value, 0, n)) };
	if (out->call_id.n == 0 || bytes_find(out->call_id, ' ') < out->call_id.n)
		return -EINVAL;
	return read_tags(out, bytes_from(value, n));
}

/* The next one up to the separator; false at the end. */
static bool next_part(struct bytes *rest, uint8_t separator, struct bytes *part)
{
	size_t n = bytes_find(*rest, separator);

	if (rest->n == 0)
		return false;
	*part = bytes_trim(bytes_sub(*rest, 0, n));
	*rest = bytes_from(*rest, n < rest->n ? n + 1 : n);
	return true;
}

static int replaces_set_tag(struct bytes *tag, struct bytes value)
{
	if (tag->n || !lex_is_token(value))
		return -EINVAL;
	*tag = value;
	return 0;
}

static int replaces_read_param(struct replaces *out, struct bytes param)
{
	size_t n = bytes_find(param, '=');
	struct bytes name = bytes_trim(bytes_sub(param, 0, n));
	struct bytes value =
		n < param.n ? bytes_trim(bytes_from(param, n + 1)) : (struct bytes){ 0 };

	if (bytes_iis(name, "to-tag"))
		return replaces_set_tag(&out->to_tag, value);
	if (bytes_iis(name, "from-tag"))
		return replaces_set_tag(&out->from_tag, value);
	if (bytes_iis(name, "early-only"))
		out->early_only = true;
	return 0;
}

int replaces_parse(struct replaces *out, struct bytes value)
{
	struct bytes rest = value, part;

	*out = (struct replaces){ 0 };
	if (!next_part(&rest, ';', &out->call_id) || out->call_id.n == 0 ||
	    bytes_find(out->call_id, ' ') < out->call_id.n)
		return -EINVAL;
	while (next_part(&rest, ';', &part)) {
		if (replaces_read_param(out, part))
			return -EINVAL;
	}
	return out->to_tag.n && out->from_tag.n ? 0 : -EINVAL;
}

int replaces_of_uri(struct replaces *out, struct bytes headers, char space[REPLACES_MAX])
{
	struct bytes rest = headers, header;
	size_t n;

	while (next_part(&rest, '&', &header)) {
		size_t at = bytes_find(header, '=');

		if (!bytes_iis(bytes_sub(header, 0, at), "Replaces"))
			continue;
		if (at == header.n ||
		    sip_user_unescape(bytes_from(header, at + 1), space, REPLACES_MAX, &n))
			return -EINVAL;
		return replaces_parse(out, bytes_mem(space, n));
	}
	return -ENOENT;
}
