/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Preloaded into Twinkle, says which pictures and tips its windows show: "shows :/icons/images/presence_online.png" is a buddy who is there.
 * The names are those of QPixmap::QPixmap(QString const &, char const *, Qt::ImageConversionFlags) and QWidget::setToolTip(QString const &)
 * in Qt 5, whose strings are UTF-16.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define PIXMAP _ZN7QPixmapC1ERK7QStringPKc6QFlagsIN2Qt19ImageConversionFlagEE
#define TIP    _ZN7QWidget10setToolTipERK7QString

struct text {
	int references, size;
	unsigned capacity;
	ptrdiff_t at;
};

static void shows(const struct text *text)
{
	const uint16_t *letters = (const uint16_t *)((const char *)text + text->at);
	char line[256];
	int length = 0;
	for (; length < text->size && length < (int)sizeof line; length++)
		line[length] = letters[length] >= ' ' && letters[length] < 127
				       ? (char)letters[length]
				       : ' ';
	fprintf(stderr, "shows %.*s\n", length, line);
}

void PIXMAP(void *self, struct text **name, const char *format, unsigned flags);
void PIXMAP(void *self, struct text **name, const char *format, unsigned flags)
{
	void (*rest)(void *, struct text **, const char *, unsigned);
	*(void **)&rest =
		dlsym(RTLD_NEXT, "_ZN7QPixmapC1ERK7QStringPKc6QFlagsIN2Qt19ImageConversionFlagEE");
	shows(*name);
	rest(self, name, format, flags);
}

void TIP(void *self, struct text **tip);
void TIP(void *self, struct text **tip)
{
	void (*rest)(void *, struct text **);
	*(void **)&rest = dlsym(RTLD_NEXT, "_ZN7QWidget10setToolTipERK7QString");
	shows(*tip);
	rest(self, tip);
}
