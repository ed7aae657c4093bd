/* SPDX-License-Identifier: Apache-2.0 */
#include "app/web/web_certificates.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/log.h"

struct web_certificates {
	struct tls *tls;                      /* web thread */
	_Atomic(struct tls_settings *) fresh; /* malloc'ed; NULL: nothing newer */
	/* Nobody is called. The library would make one with all authorities of the machine, and not free it in a process with two listeners. */
	SSL_CTX *calls;
};

/* malloc'ed. */
static struct tls_settings *settings_copy(const struct tls_settings *settings)
{
	struct tls_settings *copy = malloc(sizeof(*copy));

	if (!copy)
		return NULL;
	*copy = *settings;
	return copy;
}

int web_certificates_open(struct web_certificates **out, const struct tls_settings *settings)
{
	struct web_certificates *c = calloc(1, sizeof(*c));
	struct tls_settings *own = settings_copy(settings);
	char error[TLS_ERROR_MAX] = "out of memory";
	int err = c && own ? tls_open(&c->tls, own, error) : -ENOMEM;

	free(own);
	if (!err) {
		c->calls = SSL_CTX_new(TLS_client_method());
		err = c->calls ? 0 : -ENOMEM;
	}
	if (err) {
		LOG_ERROR("web", 0, "the certificates cannot be used", LOG_STR("error", error));
		web_certificates_close(c);
		return err;
	}
	*out = c;
	return 0;
}

void web_certificates_close(struct web_certificates *c)
{
	if (!c)
		return;
	tls_close(c->tls);
	SSL_CTX_free(c->calls);
	/* acquire: pairs with the release in web_certificates_renew */
	free(atomic_load_explicit(&c->fresh, memory_order_acquire));
	free(c);
}

/* The library's own copy of the certificate is never shown: web_certificates_lend. */
void web_certificates_ask(const struct web_certificates *c, struct lws_context_creation_info *info,
			  const struct tls_settings *settings)
{
	info->options |= LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT;
	info->ssl_options_set =
		SSL_OP_NO_SSLv3 | SSL_OP_NO_TLSv1 | SSL_OP_NO_TLSv1_1 | SSL_OP_NO_RENEGOTIATION;
	info->ssl_cert_filepath = settings->identities[0].certificate;
	info->ssl_private_key_filepath = settings->identities[0].key;
	info->provided_client_ssl_ctx = c->calls;
}

void web_certificates_renew(struct web_certificates *c, const struct tls_settings *settings)
{
	struct tls_settings *fresh = settings_copy(settings);

	if (!fresh)
		return;
	/* release: pairs with the acquire in web_certificates_refresh */
	free(atomic_exchange_explicit(&c->fresh, fresh, memory_order_acq_rel));
}

void web_certificates_refresh(struct web_certificates *c)
{
	char error[TLS_ERROR_MAX];
	/* acquire: pairs with the release in web_certificates_renew */
	struct tls_settings *fresh =
		atomic_exchange_explicit(&c->fresh, NULL, memory_order_acquire);

	if (fresh && tls_reload(c->tls, fresh, error))
		LOG_ERROR("web", 0, "the new certificates cannot be used: the old ones stay",
			  LOG_STR("error", error));
	free(fresh);
}

void web_certificates_lend(struct web_certificates *c, SSL_CTX *context)
{
	tls_lend(c->tls, context);
}

void web_certificates_on_refused(struct web_certificates *c, tls_refused_fn *refused, void *arg)
{
	tls_on_refused(c->tls, refused, arg);
}
