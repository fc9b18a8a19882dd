/* matmul_clblast.cl: bias and activation behind CLBlast's products, which have neither.
 *
 *     y[n,k,p,q] = f( y[n,k,p,q] + b[k] )
 *
 * in place; PQ is 1 for a dense layer. One work-item an element, one-dimensional; those past the end
 * do nothing.
 */
kernel void matmul_clblast_finish(global float *restrict y, const ulong y_offset,
                                  global const float *restrict b, const ulong b_offset,
                                  const int has_bias, const int activation, const float alpha,
                                  const int count, const int K, const int PQ) {
    const int i = get_global_id(0);
    if (i >= count)
        return;
    const float bias = has_bias ? b[b_offset + i / PQ % K] : 0.0f;
    y[y_offset + i] = activate(activation, alpha, y[y_offset + i] + bias);
}
