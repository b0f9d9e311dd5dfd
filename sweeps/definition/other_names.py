"""What other tools call things, and what to write here: an answer to the name, not to its letters.

One literal table by place. A name that this product knows itself is never looked up.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from sweeps.search_spaces.problems import nearest

__all__ = ["Place", "answer_to", "instead_of", "key_meant", "keys_named", "parameter_answer"]

Place = Literal[
    "method",
    "scheduler",
    "optimizer",
    "schedule",
    "model",
    "activation",
    "normalization",
    "loss",
    "metric",
    "parameter",
]

_RANGE = "write `{float: [low, high]}`, or `int` for whole numbers"
_LOG = "write `{float: [low, high], log: true}`; the bounds are the numbers' own, not exponents"
_STEP = "write `{int: [low, high], step: ...}`, or `float`; `high` is itself a step"
_LOG_STEP = "write `{int: [low, high], log: true, step: ...}`; a log range of float has no step"
_WHOLE = "write `{int: [low, high]}`; both bounds are included"
_CHOICE = "write `{choice: [...]}`"
_NORMAL = "write `{normal: [mean, std]}`, with `low` and `high` as bounds"
_LOGNORMAL = "write `{lognormal: [mean, std]}`, of the natural logarithm"
_NO_STEP = "a normal parameter has no step: write `{normal: [mean, std]}`, or `{int: [low, high]}`"
_BAYES = "is `gp` (a Gaussian process) or `tpe` here; `tpe` takes any space and scheduler"
_EVOLUTION = "is not offered: `cmaes` is an evolution strategy for ranges, `tpe` takes any space"
_OBJECTIVES = "is not offered: `nsga2` and `tpe` search for several objectives"
_PBT = "is a scheduler here: write `scheduler: pbt` under `stopping`"
_BANDS = "is a method and a scheduler here: write `method: tpe` and `scheduler: asha`"
_HALVING = "is a scheduler here: write `scheduler: asha` under `stopping`"

_COST = "is a cost of the net, which can be a further objective: write "

_OF_TORCH = ("Adadelta", "Adafactor", "Adamax", "ASGD", "LBFGS", "NAdam", "RAdam", "Rprop")

# Names are compared in lower case, without `_`, `-`, spaces and a leading `tune.` or `hp.`.
_ANSWERS: dict[Place, dict[str, str]] = {
    "method": {
        **dict.fromkeys(("bayes", "bayesian", "bayesopt", "bo", "ax", "smac"), _BAYES),
        **dict.fromkeys(("evolution", "nevergrad", "zoopt"), _EVOLUTION),
        **dict.fromkeys(("nsga", "nsgaii", "nsgaiisampler", "genetic", "ga"), "is `nsga2` here"),
        **dict.fromkeys(("nsga3", "nsgaiii", "nsgaiiisampler", "moea", "spea2"), _OBJECTIVES),
        **dict.fromkeys(("motpe", "motpesampler"), "is `tpe` here, with a list as `objective`"),
        **dict.fromkeys(("pbt", "populationbased", "populationbasedtraining", "pb2"), _PBT),
        **dict.fromkeys(("bohb", "dehb"), _BANDS),
        **dict.fromkeys(("automatic", "autosampler", "default", "best"), "is `auto` here"),
        "hyperband": "is a scheduler here: write `scheduler: hyperband` under `stopping`",
        **dict.fromkeys(("asha", "ashascheduler", "halving", "successivehalving"), _HALVING),
        **dict.fromkeys(("gridsearch", "bruteforce", "exhaustive"), "is `grid` here"),
        **dict.fromkeys(("randomsearch", "basicvariant", "uniform"), "is `random` here"),
        **dict.fromkeys(("gpsampler", "gaussianprocess", "botorch", "skopt"), "is `gp` here"),
        **dict.fromkeys(("tpesampler", "hyperopt", "optuna"), "is `tpe` here"),
        **dict.fromkeys(("cma", "cmaessampler", "evolutionstrategy", "es"), "is `cmaes` here"),
        **dict.fromkeys(("quasirandom", "qmc", "halton", "latin", "lhs"), "use `sobol`"),
        **dict.fromkeys(("list", "fixed", "enqueue", "pointstoevaluate"), "is `manual` here"),
    },
    "scheduler": {
        **dict.fromkeys(
            ("asynchyperband", "asynchyperbandscheduler", "ashascheduler", "successivehalving",
             "asynchronoushyperband", "successivehalvingpruner", "halving", "sha"),
            "is `asha` here",
        ),
        **dict.fromkeys(("hyperbandscheduler", "hyperbandpruner", "hb"), "is `hyperband` here"),
        **dict.fromkeys(
            ("medianstopping", "medianstoppingrule", "medianpruner", "medianstop"),
            "is `median` here",
        ),
        **dict.fromkeys(("slack", "banditpolicy", "truncation"), "use `bandit`, with a `slack`"),
        **dict.fromkeys(("fifo", "fifoscheduler", "nop", "noppruner", "off"), "is `none` here"),
        **dict.fromkeys(("populationbased", "populationbasedtraining"), "is `pbt` here"),
        "pb2": "is not offered: use `pbt`, which draws new values at random",
        **dict.fromkeys(
            ("bohb", "hyperbandforbohb"), "is not offered: use `hyperband`, or `asha`"
        ),
        **dict.fromkeys(
            ("patience", "patientpruner", "earlystopping", "plateau"),
            "is set for each trial: write `early_stopping: {patience: ...}` under `regularization`",
        ),
    },
    "optimizer": {
        **{name.lower(): f"is torch's class: write `kind: {name}`" for name in _OF_TORCH},
        **dict.fromkeys(("momentum", "nesterov"), "write `{kind: sgd, momentum: 0.9}`"),
        "amsgrad": "write `{kind: Adam, amsgrad: true}`",
        "sparseadam": "takes only sparse gradients, which no net here has: use `adam`",
        "muon": "takes only matrices, and a net has biases: write a class that gives those to "
                "another optimizer, and `{kind: custom, target: \"own:Class\", lr: ...}`",
        **dict.fromkeys(
            ("lion", "lamb", "lars", "shampoo", "sophia", "prodigy", "adabelief", "ranger", "sam",
             "soap", "adan", "schedulefree", "novograd", "adamp", "yogi"),
            "is not torch's: write `{kind: custom, target: \"package.module:Class\", lr: ...}`",
        ),
    },
    "schedule": {
        **dict.fromkeys(("none", "null", "fixed"), "is `constant` here"),
        **dict.fromkeys(("steplr", "stepdecay"), "is `step` here"),
        **dict.fromkeys(("multisteplr", "milestones", "piecewise"), "is `multi_step` here"),
        **dict.fromkeys(("exponentiallr", "exp"), "is `exponential` here"),
        **dict.fromkeys(
            ("cosineannealing", "cosineannealinglr", "cosinedecay"), "is `cosine` here"
        ),
        **dict.fromkeys(("linearlr", "lineardecay", "polynomial", "poly"), "use `linear`"),
        **dict.fromkeys(("onecyclelr", "1cycle"), "is `one_cycle` here"),
        **dict.fromkeys(("reducelronplateau", "reduceonplateau"), "is `plateau` here"),
        **dict.fromkeys(
            ("warmup", "linearwarmup", "cosinewarmup", "cosinewithwarmup", "linearwithwarmup"),
            "is a key of every schedule: write `warmup_epochs`",
        ),
        **dict.fromkeys(
            ("cosineannealingwarmrestarts", "sgdr", "cycliclr"),
            "is not offered: use `cosine`, or `one_cycle`",
        ),
    },
    "model": {
        **dict.fromkeys(("own", "module", "class", "function"), "is `custom` here"),
        **dict.fromkeys(("dense", "feedforward", "fc", "ann"), "is `mlp` here"),
        **dict.fromkeys(("conv", "convnet", "cnn2d"), "is `cnn` here"),
        **dict.fromkeys(("logistic", "softmax", "regression"), "is `linear` here"),
        **dict.fromkeys(
            ("rnn", "lstm", "gru", "transformer", "bert", "resnet", "resnet18", "resnet50", "unet",
             "gnn", "tabnet", "vit"),
            "is not built in: write a function that returns it, and "
            "`{kind: custom, target: \"own:build\"}`",
        ),
    },
    "activation": {
        "swish": "is `silu` here",
        "logistic": "is `sigmoid` here",
        **dict.fromkeys(("rectifier", "rectified", "relu6"), "use `relu`"),
    },
    "normalization": {
        **dict.fromkeys(("batchnorm", "batchnorm1d", "batchnorm2d", "bn"), "is `batch` here"),
        **dict.fromkeys(("layernorm", "ln"), "is `layer` here"),
    },
    "loss": {
        **dict.fromkeys(
            ("bce", "bceloss", "bcewithlogits", "bcewithlogitsloss", "binarycrossentropyloss",
             "logloss", "logistic", "sigmoid"),
            "is `binary_cross_entropy` here: one output for two classes, or one a label",
        ),
        **dict.fromkeys(
            ("ce", "crossentropyloss", "nll", "nllloss", "softmax", "categoricalcrossentropy",
             "sparsecategoricalcrossentropy"),
            "is `cross_entropy` here, of logits",
        ),
        **dict.fromkeys(("focalloss", "sigmoidfocal"), "is `focal` here"),
        **dict.fromkeys(("l2", "mseloss", "squarederror", "meansquarederror"), "is `mse` here"),
        **dict.fromkeys(("l1", "l1loss", "maeloss", "absoluteerror"), "is `mae` here"),
        **dict.fromkeys(("smoothl1", "smoothl1loss", "huberloss"), "is `huber` here"),
        **dict.fromkeys(("pinball", "quantileloss"), "is `quantile` here"),
        **dict.fromkeys(
            ("dice", "diceloss", "jaccard", "iou", "tversky", "lovasz", "hinge", "kl", "kldiv",
             "poisson", "poissonnll", "gaussiannll", "ctc", "triplet", "contrastive", "infonce",
             "arcface", "logcosh"),
            "is not built in: write a function of outputs and targets, and "
            "`{kind: custom, target: \"own:loss\"}`",
        ),
    },
    "metric": {
        **dict.fromkeys(("rocauc", "auroc", "aucroc", "roc", "rocaucscore"), "is `auc` here"),
        **dict.fromkeys(
            ("ap", "auprc", "prauc", "aucpr", "averageprecisionscore"),
            "is `average_precision` here",
        ),
        **dict.fromkeys(("acc", "accuracyscore", "top1"), "is `accuracy` here"),
        **dict.fromkeys(("f1macro", "macrof1", "f1score"), "is `f1` here"),
        **dict.fromkeys(("crossentropy", "nll", "bce"), "is `log_loss` here"),
        **dict.fromkeys(("brierscore", "brierscoreloss"), "is `brier` here"),
        **dict.fromkeys(("r2score", "rsquared", "explainedvariance"), "use `r2`"),
        **dict.fromkeys(("latency", "inferencetime", "runtime", "speed"), _COST + "`ms_per_row`"),
        **dict.fromkeys(("macs", "gflops", "mflops", "flopcount"), _COST + "`flops`"),
        **dict.fromkeys(
            ("params", "nparams", "numparams", "paramcount", "size", "modelsize"),
            _COST + "`parameters`",
        ),
        **dict.fromkeys(
            ("precision", "recall", "sensitivity", "specificity"),
            "is not built in, as a threshold alone decides it: use `f1_binary`, "
            "`average_precision` or `balanced_accuracy`, or a metric of your own",
        ),
    },
    "parameter": {
        **dict.fromkeys(("uniform", "double", "suggestuniform", "suggestfloat"), _RANGE),
        **dict.fromkeys(
            ("loguniform", "loguniformvalues", "reverseloguniform", "suggestloguniform"), _LOG
        ),
        **dict.fromkeys(("quniform", "qrandint", "suggestdiscreteuniform"), _STEP),
        **dict.fromkeys(
            ("qloguniform", "qloguniformvalues", "qlograndint", "lograndint"), _LOG_STEP
        ),
        **dict.fromkeys(("randint", "intuniform", "suggestint"), _WHOLE),
        **dict.fromkeys(
            ("values", "gridsearch", "categorical", "suggestcategorical", "list", "samplefrom"),
            _CHOICE,
        ),
        **dict.fromkeys(("randn", "gauss", "gaussian"), _NORMAL),
        "lognormalvalues": _LOGNORMAL,
        **dict.fromkeys(("qnormal", "qrandn", "qlognormal"), _NO_STEP),
        "constant": "write the value itself",
    },
}  # fmt: skip
# Of a section's keys, each under the names that other tools have for it.
_KEYS: dict[str, tuple[str, ...]] = {
    "lr": ("learningrate", "eta", "eta0", "initlr", "lr0", "learningrateinit", "baselr"),
    "epochs": (
        "nepochs",
        "numepochs",
        "maxepochs",
        "numtrainepochs",
        "trainepochs",
        "maxiter",
        "maxt",
        "maxresource",
        "maxbudget",
        "rmax",
    ),
    "batch_size": ("bs", "minibatchsize", "trainbatchsize", "perdevicetrainbatchsize"),
    "accumulate": ("gradientaccumulationsteps", "accumulategradbatches"),
    "weight_decay": ("wd", "decay", "l2regularization"),
    "hidden_units": ("hiddensize", "hiddendim", "hiddenwidth", "units", "width", "dmodel"),
    "hidden_layer_sizes": ("hiddensizes", "hiddendims", "layersizes", "layerwidths"),
    "hidden_layers": ("numlayers", "nlayers", "depth", "layers", "numhiddenlayers"),
    "conv_layers": ("numlayers", "nlayers", "depth", "layers", "numconvlayers"),
    "activation": ("act", "actfn", "activationfn", "activationfunction", "nonlinearity"),
    "dropout": ("dropoutrate", "dropoutp", "pdropout", "droprate"),
    "normalization": ("norm", "normlayer", "batchnorm"),
    "initialization": ("init", "weightinit", "kernelinitializer"),
    "schedule": ("scheduler", "lrscheduler", "lrschedule", "lrschedulertype"),
    "loss": ("criterion", "lossfn", "lossfunction"),
    "clip_norm": ("gradclip", "clipgradnorm", "maxgradnorm", "gradientclipval"),
    "warmup_epochs": ("warmup", "numwarmupepochs"),
    "trials": ("ntrials", "numtrials", "maxtrials", "numsamples", "runcap", "niter"),
    "seed": ("randomstate", "randomseed", "rngseed"),
    "source": ("path", "file", "dataset", "filename", "csv"),
    "target": ("label", "labels", "labelcolumn", "targetcolumn", "outcome", "y"),
    "dev": ("val", "valid", "validation", "valsize", "validationsplit", "eval"),
    "test": ("testsize", "testsplit", "holdout"),
    "folds": ("nsplits", "nfolds", "numfolds", "cv", "k", "kfold", "kfolds"),
    "scale": ("scaler", "scaling", "normalize", "standardize"),
    "exclude": ("drop", "dropcolumns", "ignore", "ignorecolumns"),
    "grace_epochs": ("graceperiod", "minbudget", "minresource", "minepochs"),
    "reduction_factor": ("eta",),
    "workers": ("maxconcurrent", "maxconcurrenttrials", "njobs", "paralleltrials"),
    "time_s": ("timeout", "timebudgets", "timebudget", "maxtime"),
    "timeout_s": ("timeout", "maxtime"),
    "retries": ("maxretries", "maxfailures"),
    "metric": ("name", "objectivemetricname"),
}
_AVERAGED = "averaging weights is not built in: write your own training, `training: {kind: custom}`"
_AUGMENTED = 'write a function of batches of training rows: `batch: {target: "own:augment"}`'
_BALANCED = "weight classes by `class_weights` of `space.loss`, or rows by `data.weights`"
_COUNTED = "training is counted in epochs: write `epochs`"
_PROGRAM = "write `training: {kind: program, command: ...}` under `space`"
_FOLDER = "run folders are written to `--runs`, or SWEEPS_STORAGE"
# Of any section, what another key or a command does.
_INSTEAD: dict[str, str] = {
    **dict.fromkeys(("ema", "emadecay", "useema", "swa", "weightaveraging"), _AVERAGED),
    **dict.fromkeys(
        ("mixup", "mixupalpha", "cutmix", "cutmixalpha", "cutout", "augment", "augmentation",
         "augmentations", "randaugment", "transform", "transforms"),
        _AUGMENTED,
    ),
    **dict.fromkeys(
        ("amp", "useamp", "fp16", "bf16", "mixedprecision", "autocast"),
        "write `precision: bf16` under `space.training`",
    ),
    **dict.fromkeys(("compile", "torchcompile", "jit"), "nets are not compiled"),
    **dict.fromkeys(
        ("numworkers", "dataloadernumworkers", "dataloaderworkers"),
        "write `loader: {workers: ...}` under `data`, for a dataset that is read item by item",
    ),
    **dict.fromkeys(("maxsteps", "steps", "numsteps", "nsteps", "iterations"), _COUNTED),
    **dict.fromkeys(("weightedsampler", "oversample", "oversampling", "smote"), _BALANCED),
    **dict.fromkeys(("pruner", "earlyterminate"), "write `stopping: {scheduler: ...}`"),
    **dict.fromkeys(
        ("sampler", "algorithm", "searchalg", "tuner", "oracle"), "write `search: {method: ...}`"
    ),
    **dict.fromkeys(
        ("parameters", "hyperparameters", "config", "searchspace", "paramspace", "hpspace"),
        "parameters are values of `space`: `space: {optimizer: {lr: {float: [low, high]}}}`",
    ),
    **dict.fromkeys(("gpus", "ngpus", "numgpus", "gpuspertrial"), "write `resources: {gpu: ...}`"),
    **dict.fromkeys(("cpus", "ncpus", "numcpus", "cpuspertrial"), "write `resources: {cpu: ...}`"),
    **dict.fromkeys(("program", "command", "script", "entrypoint"), _PROGRAM),
    **dict.fromkeys(("outputdir", "logdir", "savedir", "storagepath", "localdir"), _FOLDER),
    **dict.fromkeys(
        ("project", "projectname", "studyname", "experimentname"),
        "`name` names the sweep, and its experiment in MLflow",
    ),
}  # fmt: skip
# Of a section, or of any (""), what is done anyway.
_LEFT_OUT: dict[str, dict[str, str]] = {
    "training": {
        "shuffle": "training rows are shuffled in every epoch",
        **dict.fromkeys(
            ("valcheckinterval", "checkvaleverynepoch", "evalstrategy", "evaluationstrategy",
             "evalsteps", "evalevery"),
            "dev rows are evaluated after every epoch",
        ),
    },
    "": {
        **dict.fromkeys(("logger", "loggers", "reportto"), "every trial is logged to MLflow"),
        "monitor": "the objective is watched",
        **dict.fromkeys(
            ("restorebestweights", "savebestonly", "loadbestmodelatend"),
            "the weights of the best epoch are what counts",
        ),
    },
    "split": dict.fromkeys(("train", "trainsize"), "train is what dev and test leave"),
}  # fmt: skip
_CALL = re.compile(r"\s*([A-Za-z_.]+)\s*\(.*\)\s*")


def answer_to(place: str, name: object) -> str:
    """Return what to write for a name that another tool has; empty where there is nothing.

    Args:
        place: A Place; at others there is nothing.
    """
    answers = {str(key): value for key, value in _ANSWERS.items()}
    answer = answers.get(place, {}).get(_plain(str(name)), "")
    is_about_name = answer.startswith(("is ", "takes "))
    return f"{name!s} {answer}" if is_about_name else answer


def key_meant(key: str, keys: Sequence[str]) -> str:
    """Return which of a section's keys another name means, by what it says or by its letters.

    Args:
        keys: all that the section has; empty is returned where none is meant.
    """
    plain = _plain(key)
    named = (one for one in keys if plain in _KEYS.get(one, ()))
    return next(named, "") or nearest(key, keys)


def keys_named(key: str) -> list[str]:
    """Return the keys of ours, of whatever section, that other tools call by this name."""
    plain = _plain(key)
    return [ours for ours, others in _KEYS.items() if plain in others]


def instead_of(section: str, key: str) -> str:
    """Return what is done in place of another tool's key, or why it is not needed here.

    Empty where nothing is known of it.
    """
    plain = _plain(key)
    why = _LEFT_OUT.get(section, {}).get(plain) or _LEFT_OUT[""].get(plain)
    return f"leave it out: {why}" if why else _INSTEAD.get(plain, "")


def parameter_answer(value: object) -> str:
    """Return what to write for another tool's parameter: `{quniform: ...}`, `loguniform(...)`.

    A mapping may name it as a key, or as W&B's `distribution` or Determined's `type` do.
    """
    if isinstance(value, str):
        call = _CALL.fullmatch(value)
        return answer_to("parameter", call[1]) if call else ""
    if not isinstance(value, Mapping):
        return ""
    named: list[Any] = [value[key] for key in ("distribution", "type") if key in value]
    answers = (answer_to("parameter", one) for one in (*named, *value))
    return next(filter(None, answers), "")


def _plain(name: str) -> str:
    plain = re.sub(r"[_\-\s]", "", name.lower())
    return re.sub(r"^(tune|hp|trial|optuna|wandb|np\.random|random)\.", "", plain)
