"""Where the papers lie that the chapters name: a title, in italics there, and its address."""

from __future__ import annotations

__all__ = ["address_of"]

ARXIV, DOI = "https://arxiv.org/abs/", "https://doi.org/"
OPENAI = "https://cdn.openai.com/"

#: By title, as the chapters write it. A number is one of arXiv's; one that begins with 10. a DOI.
PAPERS = {
    "A Learning Algorithm for Boltzmann Machines": "10.1207/s15516709cog0901_7",
    "A Mathematical Framework for Transformer Circuits": (
        "https://transformer-circuits.pub/2021/framework/index.html"
    ),
    "A Mathematical Theory of Communication": "10.1002/j.1538-7305.1948.tb01338.x",
    "A Recipe for Training Neural Networks": "https://karpathy.github.io/2019/04/25/recipe/",
    "A Tutorial on Hidden Markov Models": "10.1109/5.18626",
    "A Study of BFLOAT16 for Deep Learning Training": "1905.12322",
    "Accurately computing the log-sum-exp and softmax functions": "10.1093/imanum/draa038",
    "Accurate, Large Minibatch SGD": "1706.02677",
    "Adam: A Method for Stochastic Optimization": "1412.6980",
    "An Empirical Exploration of Recurrent Network Architectures": (
        "https://proceedings.mlr.press/v37/jozefowicz15.html"
    ),
    "Are Sixteen Heads Really Better than One?": "1905.10650",
    "Attention Is All You Need": "1706.03762",
    "Attention is not Explanation": "1902.10186",
    "Attention is not not Explanation": "1908.04626",
    "BERT: Pre-training of Deep Bidirectional Transformers": "1810.04805",
    "BERT: Pre-training of Deep Bidirectional Transformers for Language Understanding": (
        "1810.04805"
    ),
    "CTRL": "1909.05858",
    "Catastrophic Interference in Connectionist Networks": "10.1016/S0079-7421(08)60536-8",
    "Chain-of-Thought Prompting Elicits Reasoning": "2201.11903",
    "Chain-of-Thought Prompting Elicits Reasoning in Large Language Models": "2201.11903",
    "Compression of Individual Sequences via Variable-Rate Coding": "10.1109/TIT.1978.1055934",
    "Cyclical Learning Rates for Training Neural Networks": "1506.01186",
    "Decoupled Weight Decay Regularization": "1711.05101",
    "Deep Residual Learning for Image Recognition": "1512.03385",
    "DeepSeekMath": "2402.03300",
    "Does Fine-Tuning LLMs on New Knowledge Encourage Hallucinations?": "2405.05904",
    "Dropout: A Simple Way to Prevent Neural Networks from Overfitting": (
        "https://jmlr.org/papers/v15/srivastava14a.html"
    ),
    "Effective Prompt Extraction from Language Models": "2307.06865",
    "Efficient Streaming Language Models with Attention Sinks": "2309.17453",
    "Efficiently Scaling Transformer Inference": "2211.05102",
    "Evaluating Large Language Models Trained on Code": "2107.03374",
    "Exploring the Limits of Transfer Learning with a Unified Text-to-Text Transformer": (
        "1910.10683"
    ),
    "Fast Transformer Decoding": "1911.02150",
    "Fast Transformer Decoding: One Write-Head is All You Need": "1911.02150",
    "Finetuned Language Models Are Zero-Shot Learners": "2109.01652",
    "FlashAttention: Fast and Memory-Efficient Exact Attention with IO-Awareness": "2205.14135",
    "Formal Algorithms for Transformers": "2207.09238",
    "GLU Variants Improve Transformer": "2002.05202",
    "GQA": "2305.13245",
    "Gaussian Error Linear Units": "1606.08415",
    "Google's Neural Machine Translation System": "1609.08144",
    "Hierarchical Neural Story Generation": "1805.04833",
    "Improving Language Understanding by Generative Pre-Training": (
        f"{OPENAI}research-covers/language-unsupervised/language_understanding_paper.pdf"
    ),
    "In-context Learning and Induction Heads": "2209.11895",
    "Interpreting GPT: the Logit Lens": (
        "https://www.lesswrong.com/posts/AcKRB8wDpdaN6v6ru/interpreting-gpt-the-logit-lens"
    ),
    "Jamba: A Hybrid Transformer-Mamba Language Model": "2403.19887",
    "LLaMA: Open and Efficient Foundation Language Models": "2302.13971",
    "Language Models (Mostly) Know What They Know": "2207.05221",
    "Language Models are Unsupervised Multitask Learners": (
        f"{OPENAI}better-language-models/language_models_are_unsupervised_multitask_learners.pdf"
    ),
    "Layer Normalization": "1607.06450",
    "Learning long-term dependencies with gradient descent is difficult": "10.1109/72.279181",
    "Learning representations by back-propagating errors": "10.1038/323533a0",
    "Let's Think Dot by Dot": "2404.15758",
    "Let's Verify Step by Step": "2305.20050",
    "Long Short-Term Memory": "10.1162/neco.1997.9.8.1735",
    "Measuring Faithfulness in Chain-of-Thought Reasoning": "2307.13702",
    "Metric Learning for Kernel Regression": (
        "https://proceedings.mlr.press/v2/weinberger07a.html"
    ),
    "Mixed Precision Training": "1710.03740",
    "Model Cards for Model Reporting": "1810.03993",
    "Neural Machine Translation by Jointly Learning to Align and Translate": "1409.0473",
    "Neural Machine Translation of Rare Words with Subword Units": "1508.07909",
    "Neural Turing Machines": "1410.5401",
    "Not What You've Signed Up For": "2302.12173",
    "On Estimating Regression": "10.1137/1109020",
    "On Layer Normalization in the Transformer Architecture": "2002.04745",
    "On the Difficulty of Training Recurrent Neural Networks": "1211.5063",
    "PaLM": "2204.02311",
    "Prediction and Entropy of Printed English": "10.1002/j.1538-7305.1951.tb01366.x",
    "Prefix-Tuning": "2101.00190",
    "Probable Inference": "10.1080/01621459.1927.10502953",
    "Prompt Waywardness": "2112.08348",
    "PyTorch Distributed: Experiences on Accelerating Data Parallel Training": "2006.15704",
    "Reconciling modern machine-learning practice and the classical bias–variance trade-off": (
        "1812.11118"
    ),
    "Residual Networks Behave Like Ensembles of Relatively Shallow Networks": "1605.06431",
    "RoFormer": "2104.09864",
    "RoFormer: Enhanced Transformer with Rotary Position Embedding": "2104.09864",
    "Root Mean Square Layer Normalization": "1910.07467",
    "SGDR: Stochastic Gradient Descent with Warm Restarts": "1608.03983",
    "STaR": "2203.14465",
    "Scaling Laws for Neural Language Models": "2001.08361",
    "Self-Consistency Improves Chain of Thought Reasoning": "2203.11171",
    "Sequence to Sequence Learning with Neural Networks": "1409.3215",
    "Should You Mask 15% in Masked Language Modeling?": "2202.08005",
    "Show Your Work": "2112.00114",
    "Simple Statistical Gradient-Following Algorithms": "10.1007/BF00992696",
    "SmolLM2: When Smol Goes Big": "2502.02737",
    "The Curious Case of Neural Text Degeneration": "1904.09751",
    "The Expressive Power of Transformers with Chain of Thought": "2310.07923",
    "The Power of Scale for Parameter-Efficient Prompt Tuning": "2104.08691",
    "The perceptron": "10.1037/h0042519",
    "Training Compute-Optimal Large Language Models": "2203.15556",
    "Training Language Models to Follow Instructions with Human Feedback": "2203.02155",
    "Training Verifiers to Solve Math Word Problems": "2110.14168",
    "Transformer Dissection: A Unified Understanding of Transformer's Attention via the Lens of "
    "Kernel": "1908.11775",
    "Transformer Feed-Forward Layers Are Key-Value Memories": "2012.14913",
    "Transformer Language Models without Positional Encodings Still Learn Positional Information": (
        "2203.16634"
    ),
    "Transformers are RNNs": "2006.16236",
    "Transformers without Normalization": "2503.10622",
    "Turning Up the Heat": "2407.01082",
    "Understanding R1-Zero-Like Training": "2503.20783",
    "Understanding the Difficulty of Training Deep Feedforward Neural Networks": (
        "https://proceedings.mlr.press/v9/glorot10a.html"
    ),
    "Universal and Transferable Adversarial Attacks on Aligned Language Models": "2307.15043",
    "Using the Output Embedding to Improve Language Models": "1608.05859",
    "Zoology: Measuring and Improving Recall in Efficient Language Models": "2312.04927",
}
_BY_TITLE = {title.casefold(): number for title, number in PAPERS.items()}


def address_of(title: str) -> str | None:
    """Where a paper lies, by its title in any case and with any white space; None if unknown.

    >>> address_of("Attention is all\\nyou need")
    'https://arxiv.org/abs/1706.03762'
    """
    found = _BY_TITLE.get(" ".join(title.split()).casefold())
    if found is None or found.startswith("https:"):
        return found
    return (DOI if found.startswith("10.") else ARXIV) + found
