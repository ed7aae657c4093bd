/* SPDX-License-Identifier: Apache-2.0 */
/* Secrets that a caller enters or sends, such as PINs and account codes: guessing is slowed down by
 * the guess limits of all nodes (sig/host/security.h), and operators get an event. The module that
 * asks names the object, such as "room 700": it asks for the waiting time first, then reports the
 * result. Guesses count for the caller's extension, its trunk, or else its address, since a peer
 * may make up any number. */

#include "sig/call/secret.h"

#include "sig/host/security.h"
#include "sig/host/settings.h"
#include "sig/model/leg.h"

static struct bytes secret_tenant(const struct call_host *h, const struct call *c)
{
	return bytes_str(h->settings->tenants ? tenants_name(h->settings->tenants, c->tenant)
					      : TENANT_DEFAULT_NAME);
}

/* A number that a peer names counts apart from the phone of ours that has it: it may be made up. */
void secret_source_write(struct writer *w, const struct call_host *h, const struct call *c)
{
	const struct leg *l = call_caller(c);
	struct addr subject;

	if (!l) {
		writer_str(w, "command");
	} else if (l->dialog.hop.transport == SIP_INTER_SHARD) { /* an older node does not say */
		writer_bytes(w, c->source.n ? text_bytes(&c->source) : BYTES_LIT("shard"));
	} else if (leg_is_trunk(l)) {
		writer_str(w, "trunk ");
		writer_bytes(w, text_bytes(&l->trunk));
	} else if (l->user.n &&
		   h->services->directory->extension(h->owner, c->tenant, text_bytes(&l->user))) {
		writer_str(w, "extension ");
		writer_bytes(w, text_bytes(&l->user));
	} else {
		subject = addr_source(&l->dialog.hop.remote);
		writer_str(w, "address ");
		addr_write(w, &subject);
	}
}

static struct secret_guess guess_of(const struct call_host *h, const struct call *c,
				    const char *object, char source[SECRET_TEXT_MAX])
{
	struct writer w = writer_over(source, SECRET_TEXT_MAX);

	secret_source_write(&w, h, c);
	return (struct secret_guess){ .tenant = secret_tenant(h, c),
				      .object = bytes_str(object),
				      .source = bytes_mem(source, w.overflow ? 0 : w.n),
				      .caller =
					      bytes_sub(text_bytes(&c->from), 0, SECRET_TEXT_MAX) };
}

uint64_t secret_waits_ns(const struct call_host *h, const struct call *c, const char *object)
{
	char source[SECRET_TEXT_MAX];
	struct secret_guess g = guess_of(h, c, object, source);

	return h->secrets ? secret_limit_wait_ns(h->secrets, &g, h->now.ns) : 0;
}

enum refusal secret_refuse(uint64_t wait_ns, struct call_refusal *refusal)
{
	enum refusal refused = call_refuse(refusal, REFUSED_GUESSING);

	refusal->text = "too many wrong PINs were given: the caller has to wait";
	refusal->retry_after_s = (uint32_t)((wait_ns + NS_PER_S - 1) / NS_PER_S);
	return refused;
}

static void secret_misuse(const struct call_host *h, const struct call *c, const char *object,
			  enum security_kind kind)
{
	const struct leg *l = call_caller(c);

	if (h->security && l)
		security_event(h->security, kind, &l->dialog.hop.remote, text_bytes(&c->from),
			       object, h->now.ns);
}

void secret_is_wrong(struct call_host *h, const struct call *c, const char *object)
{
	char source[SECRET_TEXT_MAX];
	struct secret_guess g = guess_of(h, c, object, source);

	secret_misuse(h, c, object, SECURITY_WRONG_PIN);
	if (!h->secrets)
		return;
	secret_limit_failed(h->secrets, &g, h->now.ns);
	h->services->identity->share_guess(h->owner, &g, false);
	if (secret_limit_wait_ns(h->secrets, &g, h->now.ns))
		secret_misuse(h, c, object, SECURITY_PIN_GUESSING);
}

void secret_is_right(struct call_host *h, const struct call *c, const char *object)
{
	char source[SECRET_TEXT_MAX];
	struct secret_guess g = guess_of(h, c, object, source);

	if (!h->secrets)
		return;
	secret_limit_passed(h->secrets, &g, h->now.ns);
	h->services->identity->share_guess(h->owner, &g, true);
}
