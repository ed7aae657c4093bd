/* SPDX-License-Identifier: Apache-2.0 */
#include "sig/call/conveyed.h"

#include "sig/call/identity.h"
#include "sig/identity/pidf.h"

int conveyed_begin(struct call_host *h, struct call *c, const struct call_start *s)
{
	struct leg *l = call_caller(c);
	struct identity_policy p = identity_of(h, l);

	return identity_takes(&p, CARRIED_GEOLOCATION) ? text_set(&l->pidf, pidf_of(s->invite)) : 0;
}

/* Of the leg for which it is asked. */
static struct bytes pidf_for(const struct call_host *h, const struct call *c, uint8_t leg)
{
	const struct leg *to = c->legs[leg], *who = call_leg(c, to->uac->from);
	struct identity_policy p = identity_of(h, to);

	if (!who || who == to || to->state != LEG_EARLY || !identity_tells(&p, CARRIED_GEOLOCATION))
		return (struct bytes){ 0 };
	return text_bytes(&who->pidf);
}

bool conveyed_write(struct writer *lines, struct writer *body, const struct call_host *h,
		    const struct call *c, uint8_t leg)
{
	struct bytes pidf = pidf_for(h, c, leg);
	char name[ID_TEXT_LEN];
	struct bytes id = bytes_mem(name, sizeof(name));

	if (!pidf.n)
		return false;
	id_call_put(name, c->id);
	pidf_write_body(body, id, text_bytes(&c->legs[leg]->open.said), pidf);
	if (body->overflow) /* who calls is heard without it, too */
		return false;
	pidf_write_header(lines, id);
	return true;
}
