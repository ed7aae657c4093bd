/* SPDX-License-Identifier: Apache-2.0 */
/* Header lines of the registrar's answers (registrar.h). Pure. */
#include <time.h>

#include "sig/location/registrar_entry.h"

/* RFC 3261 20.17: always GMT; never the locale's names */
static void write_date(struct writer *w, uint64_t utc_ms)
{
	static const char days[][4] = { "Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat" };
	static const char months[][4] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun",
					  "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };
	time_t seconds = (time_t)(utc_ms / 1000);
	struct tm tm;

	if (!gmtime_r(&seconds, &tm))
		return;
	writer_fmt(w, "Date: %s, %02d %s %d %02d:%02d:%02d GMT\r\n", days[tm.tm_wday], tm.tm_mday,
		   months[tm.tm_mon], tm.tm_year + 1900, tm.tm_hour, tm.tm_min, tm.tm_sec);
}

/* RFC 5627 5.2: the public one, and a temporary one that nobody has seen yet. */
static void write_gruus(struct writer *w, const struct aor *entry, const struct binding *b,
			const struct registrar_gruu *gruu)
{
	const struct gruu_phone phone = { .tenant = text_bytes(&entry->tenant),
					  .user = text_bytes(&entry->user),
					  .instance = text_bytes(&b->instance),
					  .call_id = text_bytes(&b->call_id) };

	writer_str(w, ";pub-gruu=\"");
	gruu_write_public(w, &phone, &gruu->home);
	writer_str(w, "\"");
	if (phone.user.n >= GRUU_USER_MAX)
		return;
	writer_str(w, ";temp-gruu=\"");
	gruu_write_temporary(w, &phone, &gruu->home, gruu->key, gruu->rand);
	writer_str(w, "\"");
}

/* Rounded up: what was just granted reads as granted, however long the save took. */
static void write_contact(struct writer *w, const struct aor *entry, const struct binding *b,
			  const struct registrar_gruu *gruu, uint64_t utc_ms)
{
	uint64_t left_s = (b->expires_utc_ms - utc_ms + 999) / 1000;

	writer_str(w, "Contact: <");
	writer_bytes(w, text_bytes(&b->contact));
	writer_fmt(w, ">;expires=%llu", (unsigned long long)left_s);
	if (b->q != BINDING_Q_MAX)
		writer_fmt(w, ";q=0.%03u", b->q);
	if (b->instance.n) {
		writer_str(w, ";+sip.instance=\"");
		writer_bytes(w, text_bytes(&b->instance));
		writer_str(w, "\"");
	}
	if (b->reg_id)
		writer_fmt(w, ";reg-id=%u", b->reg_id);
	if (gruu && gruu_has(text_bytes(&b->instance)))
		write_gruus(w, entry, b, gruu);
	writer_str(w, "\r\n");
}

void registrar_write_headers(struct writer *w, const struct aor *entry,
			     const struct registrar_answer *answer,
			     const struct registrar_settings *settings,
			     const struct registrar_gruu *gruu, struct instant now, int64_t wall_ms)
{
	for (uint32_t i = 0; answer->status == 200 && i < entry->count; i++) {
		if (entry->bindings[i].expires_utc_ms > now.utc_ms)
			write_contact(w, entry, &entry->bindings[i], gruu, now.utc_ms);
	}
	if (answer->status == 200 && answer->path) {
		writer_str(w, "Path: ");
		writer_bytes(w, text_bytes(&entry->bindings[entry->count - 1].path));
		writer_str(w, "\r\n");
	}
	if (answer->status == 200 && answer->outbound)
		writer_fmt(w, "Require: outbound\r\nFlow-Timer: %u\r\n", /* RFC 5626 6 */
			   answer->flow_timer_s);
	if (answer->status == 423)
		writer_fmt(w, "Min-Expires: %u\r\n", settings->expires_min_s);
	write_date(w, steady_add(now.utc_ms, wall_ms));
}
