/* SPDX-License-Identifier: Apache-2.0 */
/* application/reginfo+xml (RFC 3680 5): all phones each time. Who knows them knows which one is gone. */
#include "sig/sip/xml.h"
#include "sig/subscription/package.h"

/* The same for as long as the phone is registered with this contact. */
static void reg_write_id(struct writer *w, const struct binding *b)
{
	char text[BASE32_U64_LEN];
	static const struct hash_key key;

	base32_u64_put(text, hash_sip(&key, text_bytes(&b->contact)) ^
				     hash_sip(&key, text_bytes(&b->call_id)));
	writer_mem(w, text, sizeof(text));
}

static void reg_contact(struct writer *w, const struct binding *b, uint64_t utc_ms)
{
	writer_str(w, "<contact id=\"");
	reg_write_id(w, b);
	writer_number(w, "\" state=\"active\" event=\"registered\" expires=\"",
		      (b->expires_utc_ms - utc_ms) / 1000, "\" callid=\"");
	xml_write(w, text_bytes(&b->call_id));
	writer_number(w, "\" cseq=\"", b->cseq, "\"><uri>");
	xml_write(w, text_bytes(&b->contact));
	writer_str(w, "</uri></contact>\r\n");
}

static uint32_t reg_contacts(struct writer *w, const struct package_state *state)
{
	uint32_t count = 0;

	for (uint32_t i = 0; state->entry && i < state->entry->count; i++) {
		const struct binding *b = &state->entry->bindings[i];

		if (b->expires_utc_ms <= state->utc_ms)
			continue;
		if (w)
			reg_contact(w, b, state->utc_ms);
		count++;
	}
	return count;
}

void reg_info_write(struct writer *w, const struct package_state *state)
{
	writer_str(w, "<?xml version=\"1.0\"?>\r\n"
		      "<reginfo xmlns=\"urn:ietf:params:xml:ns:reginfo\" version=\"");
	writer_u64(w, state->version);
	writer_str(w, "\" state=\"full\">\r\n<registration aor=\"");
	package_write_uri(w, &state->entity);
	WRITER_TEXTS(w, "\" id=\"r\" state=\"", reg_contacts(NULL, state) ? "active" : "terminated",
		     "\">\r\n");
	(void)reg_contacts(w, state);
	writer_str(w, "</registration>\r\n</reginfo>\r\n");
}
