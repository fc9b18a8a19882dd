/* preprocess.c: the rules by which pictures become a net's input. */
#include "data/view.h"

#include <assert.h>
#include <math.h>

const char *lens_fit_name(lens_fit fit) {
    static const char *const names[] = {"crop", "stretch", "pad"};
    return (size_t)fit < sizeof names / sizeof names[0] ? names[fit] : "unknown";
}

lens_preprocess lens_preprocess_caffe(void) {
    return (lens_preprocess){.scale = 1, .mean = {103.939f, 116.779f, 123.68f}, .bgr = true};
}

lens_status lens_preprocess_check(const lens_preprocess *p) {
    if (!(p->scale >= 0 && p->scale <= 1e6f))
        return lens_fail(LENS_BAD_ARGUMENT, "preprocess: scale is %g, it must be in 0 .. 1e6",
                         (double)p->scale);
    for (size_t c = 0; c < 3; c++) {
        if (!isfinite(p->mean[c]))
            return lens_fail(LENS_BAD_ARGUMENT, "preprocess: mean %g of channel %zu",
                             (double)p->mean[c], c);
        if (!(p->std[c] >= 0 && p->std[c] <= 1e30f))
            return lens_fail(LENS_BAD_ARGUMENT,
                             "preprocess: std %g of channel %zu, it must be above 0",
                             (double)p->std[c], c);
    }
    if ((int)p->fit < 0 || p->fit > LENS_FIT_PAD)
        return lens_fail(LENS_BAD_ARGUMENT, "preprocess: there is no fit %d", (int)p->fit);
    if (p->side > 16384)
        return lens_fail(LENS_BAD_ARGUMENT, "preprocess: side is %zu, at most 16384", p->side);
    return LENS_OK;
}

lens_status lens_picture_prepare(float *values, lens_shape input, const lens_picture *picture,
                                 const lens_preprocess *preprocess) {
    assert(values && picture && picture->pixels && preprocess);
    LENS_TRY(lens_preprocess_check(preprocess));
    view_source source = view_of_picture(picture);
    view part = view_centre(input, picture->h, picture->w, preprocess);
    return view_render(values, input, &source, &part, preprocess);
}
