/* SPDX-License-Identifier: Apache-2.0 */
/* Oracle: what is read and written again reads back the same, and no name in it leads out of a folder; errors leave the output alone. */
#include <assert.h>
#include <inttypes.h>
#include <string.h>

#include "app/deliver/sidecar.h"
#include "base/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void sidecar_again(struct writer *w, const struct sidecar *s)
{
	writer_fmt(
		w,
		"{\"call\":\"%s\",\"number\":%u,\"segment\":%u,\"last\":%s,\"interrupted\":%s,"
		"\"tenant\":\"%s\",\"file\":\"%s\",\"format\":\"%s\",\"rate\":%u,\"channels\":%u,"
		"\"begun\":\"%s\",\"duration_ms\":%" PRIu64 ",\"octets\":%" PRIu64 ",\"from\":",
		s->call, s->number, s->segment, s->last ? "true" : "false",
		s->interrupted ? "true" : "false", s->tenant, s->file, g_sidecar_formats[s->format],
		s->rate, s->channels, s->begun, s->duration_ms, s->octets);
	json_write_text(w, bytes_str(s->from));
	writer_str(w, ",\"to\":");
	json_write_text(w, bytes_str(s->to));
	writer_str(w, "}");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sidecar first, again;
	char text[4096];
	struct writer w = writer_over(text, sizeof(text));

	memset(&first, 0, sizeof(first));
	memset(&again, 0, sizeof(again));
	if (sidecar_parse(&first, (struct bytes){ data, size })) {
		assert(!memcmp(&first, &again, sizeof(first)));
		return 0;
	}
	assert(!strchr(first.file, '/') && !strchr(first.tenant, '/') && first.file[0] != '.');
	sidecar_again(&w, &first);
	assert(!w.overflow);
	assert(!sidecar_parse(&again, writer_done(&w)));
	assert(!memcmp(&first, &again, sizeof(first)));
	return 0;
}
