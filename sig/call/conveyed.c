/* SPDX-License-Identifier: Apache-2.0 */
#include "sig/call/conveyed.h"

#include <errno.h>

#include "base/log.h"
#include "sig/call/identity.h"
#include "sig/host/sites.h"
#include "sig/identity/pidf.h"

/* Where an administrator says that its phone stands: more than a phone can know. */
static int conveyed_take_site(struct call_host *h, const struct call *c, struct leg *l,
			      const struct site *site)
{
	const struct addr *own = &h->settings->locals[l->dialog.hop.local].advertise;
	struct writer w = writer_over(h->sdp, HOST_SDP_MAX);
	struct bytes user = site->caller_id[0] ? bytes_str(site->caller_id) : text_bytes(&l->user);
	char host[ADDR_TEXT_MAX];

	civic_write_pidf(&w, &site->civic, user, bytes_str(addr_text(own, host)));
	LOG_INFO("call", c->id, "an emergency call says where its caller is",
		 LOG_U64("location", site->id));
	if (text_set(&l->pidf, writer_done(&w)))
		return -ENOMEM;
	return text_set(&l->callback, bytes_str(site->caller_id));
}

int conveyed_begin(struct call_host *h, struct call *c, const struct call_start *s)
{
	struct leg *l = call_caller(c);
	struct identity_policy p = identity_of(h, l);
	const struct site *site =
		s->location ? sites_find(h->settings->sites, c->tenant, s->location) : NULL;

	if (site)
		return conveyed_take_site(h, c, l, site);
	if (s->location)
		LOG_WARN("call", c->id, "no such location: see location.put",
			 LOG_U64("location", s->location));

	return identity_takes(&p, CARRIED_GEOLOCATION) ? text_set(&l->pidf, pidf_of(s->invite)) : 0;
}

/* The leg for which it is asked, if the other may hear where that is; or NULL. */
static const struct leg *pidf_teller(const struct call_host *h, const struct call *c, uint8_t leg)
{
	const struct leg *to = c->legs[leg], *who = call_leg(c, to->uac->from);
	struct identity_policy p = identity_of(h, to);

	if (!who || who == to || to->state != LEG_EARLY || !identity_tells(&p, CARRIED_GEOLOCATION))
		return NULL;
	return who;
}

bool conveyed_write(struct writer *lines, struct writer *body, const struct call_host *h,
		    const struct call *c, uint8_t leg)
{
	const struct leg *who = pidf_teller(h, c, leg);
	struct bytes pidf = who ? text_bytes(&who->pidf) : (struct bytes){ 0 }, said;
	char name[ID_TEXT_LEN];
	struct bytes id = bytes_mem(name, sizeof(name));

	if (!pidf.n)
		return false;
	id_call_put(name, c->id);
	pidf_write_body(body, id, text_bytes(&c->legs[leg]->open.local), pidf);
	if (body->overflow) /* who calls is heard without it, too */
		return false;
	pidf_write_header(lines, id);
	if (c->emergency && !carried_find(text_bytes(&who->carried), CARRIED_ROUTING, 0, &said))
		writer_str(lines, "Geolocation-Routing: yes\r\n"); /* RFC 6442 4.2 */
	return true;
}
