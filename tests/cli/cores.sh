#!/usr/bin/env bash
# cores.sh: a training gives the same bytes on one core, two and three, through the algorithms of CPU devices.
# PoCL's own variables say how many it uses; other devices just train three times.
. "$(dirname "$0")/lib.sh"
make_data

for model in lenet5-relu digits-cnn alexnet-mini; do
    for cores in 1 2 3; do
        POCL_MAX_PTHREAD_COUNT=$cores POCL_CPU_MAX_CU_COUNT=$cores \
            expect 0 train $model --data data --epochs 1 --batch-size 32 --seed 5 --quiet --out "$cores.safetensors"
        cmp 1.safetensors "$cores.safetensors" || fail "$model: another result on $cores cores than on one"
    done
done
