/* SPDX-License-Identifier: Apache-2.0 */
/* Text of a mail header: as it is, or as encoded words (RFC 2047) if not plain ASCII. Pure. */
#ifndef APP_HELPER_MAIL_WORDS_H
#define APP_HELPER_MAIL_WORDS_H

#include "base/bytes.h"

/* text: UTF-8. Control characters become '?': no text begins a line. Folds (RFC 5322 2.2.3). */
void mail_words_write(struct writer *w, struct bytes text);

#endif
