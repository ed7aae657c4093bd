/* SPDX-License-Identifier: Apache-2.0 */
/* What others may see of an m-line: addresses, directions, codecs; no keys. */
#include "sig/leg/line_facts.h"
#include "sig/shard/shard_state.h"
#include "sig/sip/message.h"

static struct addr contact_of(const struct leg *l)
{
	struct sip_uri uri;
	struct addr a;

	if (sip_uri_parse(&uri, text_bytes(&l->dialog.target)) || addr_parse(&a, uri.host))
		return (struct addr){ 0 };
	a.port = uri.port;
	return a;
}

bool shard_call_line(const struct shard *s, uint64_t call, uint8_t leg, uint8_t line,
		     struct line_facts *out, struct addr *contact)
{
	const struct call *c = shard_call_find(s, call);
	const struct leg *l = c ? call_leg(c, leg) : NULL;

	*contact = (struct addr){ 0 };
	if (!l)
		return false;
	*contact = contact_of(l);
	return line_facts_read(c, leg, line, out);
}
