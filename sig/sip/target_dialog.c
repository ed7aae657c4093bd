/* SPDX-License-Identifier: Apache-2.0 */
#include "sig/sip/target_dialog.h"

#include <errno.h>

#include "sig/sip/lex.h"

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
