/* SPDX-License-Identifier: Apache-2.0 */
/* A phone keeps itself registered. */
#include <assert.h>
#include <stdio.h>

#include "tests/sim/sim.h"

enum { TRIES_MAX = 3, RETRY_MS = 6000 };

static void on_due(struct sim *s, const struct event *e)
{
	struct phone *p = &s->phones.list[e->who];

	if (!p->alive || p->reg_serial != e->a || s->quiet)
		return;
	p->reg_tries = 0;
	phone_register(s, p, p->expires_s, "");
}

void phone_register_later(struct sim *s, struct phone *p, uint64_t ns)
{
	sim_after(s, ns, on_due, p->index, ++p->reg_serial, 0);
}

/* RFC 5626 4.1; its GRUUs are asked for, too. */
static void write_name(struct writer *w, const struct phone *p)
{
	if (!p->has_instance)
		return;
	writer_fmt(w, ";+sip.instance=\"<urn:phone:%u>\"", p->index);
	if (p->reg_id)
		writer_fmt(w, ";reg-id=%u", p->reg_id);
}

void phone_register(struct sim *s, struct phone *p, uint32_t expires_s, const char *credentials)
{
	char text[2048], branch[96], contact[ADDR_TEXT_MAX];
	struct writer w = writer_over(text, sizeof(text));

	writer_fmt(&w,
		   "REGISTER sip:%s SIP/2.0\r\nVia: SIP/2.0/%s %s;branch=%s;rport\r\n"
		   "Max-Forwards: 70\r\nFrom: <sip:%s@%s>;tag=r%u\r\n"
		   "To: <sip:%s@%s>\r\n",
		   g_sim_domain, sip_transport_name(p->transport), p->address,
		   phone_branch(p, branch), p->user, g_sim_domain, p->index, p->user, g_sim_domain);
	writer_fmt(&w,
		   "Call-ID: reg-%u\r\nCSeq: %u REGISTER\r\n"
		   "Contact: <sip:%s@%s%s>;expires=%u",
		   p->index, ++p->reg_cseq, p->user, names_contact(p, contact), phone_transport(p),
		   expires_s);
	write_name(&w, p);
	writer_fmt(&w, "\r\n%s%sContent-Length: 0\r\n\r\n",
		   p->has_instance ? "Supported: gruu, outbound\r\n" : "", credentials);
	assert(!w.overflow);
	(void)phone_txn_ask(s, p, NULL, SIP_REGISTER, branch, writer_done(&w));
}

/* What the answer says at its own Contact. */
static void learn_gruu(struct phone *p, const struct sip_message *m)
{
	struct sip_name_addr contact;
	struct bytes value;
	unsigned cursor = 0;
	char name[32];

	(void)snprintf(name, sizeof(name), "<urn:phone:%u>", p->index);
	while (message_name_addr_next(m, "Contact", &cursor, &contact) == 1) {
		if (sip_param(contact.params, "+sip.instance", &value) && bytes_is(value, name) &&
		    sip_param(contact.params, "temp-gruu", &value) &&
		    bytes_cstr(value, p->gruu, sizeof(p->gruu)))
			assert(false && "a longer GRUU");
	}
}

void phone_registered(struct sim *s, struct phone *p, const struct sip_message *m)
{
	char credentials[1024], registrar[32];

	if (m && m->status == 401 && p->reg_tries++ < TRIES_MAX) {
		(void)snprintf(registrar, sizeof(registrar), "sip:%s", g_sim_domain);
		phone_register(s, p, p->expires_s,
			       phone_credentials(s, p, m, "REGISTER", registrar, credentials));
		return;
	}
	if (!m || m->status != 200) {
		phone_register_later(s, p, sim_between_ms(s, RETRY_MS / 2, RETRY_MS));
		return;
	}
	p->registered = true;
	check_registered(s, p, m->cseq);
	learn_gruu(p, m);
	phone_register_later(s, p, p->expires_s * NS_PER_S / 2 + sim_between_ms(s, 0, 2000));
}
