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
		   "Contact: <sip:%s@%s%s>;expires=%u\r\n%sContent-Length: 0\r\n\r\n",
		   p->index, ++p->reg_cseq, p->user, names_contact(p, contact), phone_transport(p),
		   expires_s, credentials);
	assert(!w.overflow);
	(void)phone_txn_ask(s, p, NULL, SIP_REGISTER, branch, writer_done(&w));
}

void phone_registered(struct sim *s, struct phone *p, const struct sip_message *m)
{
	char credentials[1024], registrar[32];

	if (m && m->status == 401 && p->reg_tries++ < TRIES_MAX) {
		(void)snprintf(registrar, sizeof(registrar), "sip:%s", g_sim_domain);
		phone_register(s, p, p->expires_s,
			       phone_credentials(p, m, "REGISTER", registrar, credentials));
		return;
	}
	if (!m || m->status != 200) {
		phone_register_later(s, p, sim_between_ms(s, RETRY_MS / 2, RETRY_MS));
		return;
	}
	p->registered = true;
	phone_register_later(s, p, p->expires_s * NS_PER_S / 2 + sim_between_ms(s, 0, 2000));
}
