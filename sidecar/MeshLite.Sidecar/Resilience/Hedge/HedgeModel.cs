using MeshLite.Model;
using MeshLite.Sidecar.Forwarding;
using MeshLite.Sidecar.LoadBalancing;
using MeshLite.Sidecar.Pipeline;
using MeshLite.Sidecar.Resilience.Retry;
using MeshLite.Sidecar.Routing;
using Polly;
using Polly.Hedging;

namespace MeshLite.Sidecar.Resilience.Hedge;

/// <summary>
/// A rule's hedge (J. Dean, L. A. Barroso, "The Tail at Scale", CACM 56(2), 2013): where the first attempt has not answered
/// after a while, a second goes to another endpoint; the first good answer wins, the other is cancelled. Polly's hedging
/// strategy runs the race; what it never does is send because the first attempt failed: that is a retry, and the
/// caller's business. Only requests that may be sent twice, without a body or with one that has been read and kept whole.
/// A hedge takes from the retry budget. Immutable; one per rule.
/// </summary>
internal sealed class HedgeModel
{
    private static readonly ResiliencePropertyKey<HedgeRace> Race = new("race");

    private readonly ResiliencePipeline<HedgedAttempt> _pipeline;

    /// <summary>Builds the strategy.</summary>
    public HedgeModel(HedgeConfig config, TimeProvider time)
    {
        _pipeline = new ResiliencePipelineBuilder<HedgedAttempt> { TimeProvider = time }
            .AddHedging(new HedgingStrategyOptions<HedgedAttempt>
            {
                MaxHedgedAttempts = 1,
                Delay = config.Delay,
                ShouldHandle = static args => ValueTask.FromResult(args.Outcome.Result is not { End.Failed: false }),
                ActionGenerator = static args => args.PrimaryContext.Properties.TryGetValue(Race, out var race) ? race!.Second(args.ActionContext) : null,
            })
            .Build();
    }

    /// <summary>Whether the request may be sent twice at all, and there is an answer to wait for: a WebSocket is no request.</summary>
    public static bool Allows(RequestState state, RouteRuleModel rule, HttpRequestMessage message) =>
        message.Method != HttpMethod.Connect && rule.Retry.MayResend(state.Context.Request, RetryCause.Reset);

    /// <summary>Runs one attempt, and perhaps another beside it.</summary>
    public async ValueTask<AttemptEnd> SendAsync(HedgeRace race, CancellationToken cancellationToken)
    {
        var context = ResilienceContextPool.Shared.Get(cancellationToken);
        context.Properties.Set(Race, race);
        try
        {
            var outcome = await _pipeline.ExecuteOutcomeAsync(static (context, race) => race.FirstAsync(context.CancellationToken), context, race);
            outcome.ThrowIfException();
            return outcome.Result!.End;
        }
        finally
        {
            ResilienceContextPool.Shared.Return(context);
        }
    }
}

/// <summary>One attempt's end, as Polly handles it: the loser's response is disposed.</summary>
internal sealed class HedgedAttempt(AttemptEnd end) : IDisposable
{
    /// <summary>How it ended.</summary>
    public AttemptEnd End => end;

    /// <inheritdoc/>
    public void Dispose() => end.Response?.Dispose();
}

/// <summary>
/// What the two attempts of one race are made of. The loser may outlive the request, so it touches nothing of the request's
/// state. Made per hedged attempt.
/// </summary>
internal sealed class HedgeRace(
    AttemptInvoker invoker, RequestState state, HttpRequestMessage request, ReplayContent? body, Picked<EndpointState> first,
    BackendModel backend, ExcludedEndpoints tried, ulong? key, CancellationToken requestToken)
{
    private volatile bool _firstEnded;

    /// <summary>Whether an attempt was cancelled because the other won.</summary>
    public bool IsLost(CancellationToken attempt) => attempt.IsCancellationRequested && !requestToken.IsCancellationRequested;

    /// <summary>The attempt that would be made anyway.</summary>
    public async ValueTask<Outcome<HedgedAttempt>> FirstAsync(CancellationToken cancellationToken)
    {
        var end = await invoker.SendOnceAsync(request, first, backend.Pool.State, this, cancellationToken);
        _firstEnded = true;
        return Outcome.FromResult(new HedgedAttempt(end));
    }

    /// <summary>The hedge; null: there is none to be made. Runs while the request waits for the first.</summary>
    public Func<ValueTask<Outcome<HedgedAttempt>>>? Second(ResilienceContext context)
    {
        if (_firstEnded || (body is not null && body.Whole is null) || !backend.Pool.State.Budget.TryWithdraw())
        {
            return null;
        }

        var picked = backend.Pick(in tried, key);
        if (picked.Endpoint is null)
        {
            return null;
        }

        state.AttemptCount++;
        var copy = RequestCopy.Of(request, body?.Whole);
        invoker.SetTimeout(copy, state.Rule!);
        return async () =>
        {
            using (copy)
            {
                var end = await invoker.SendOnceAsync(copy, picked, backend.Pool.State, this, context.CancellationToken);
                return Outcome.FromResult(new HedgedAttempt(end));
            }
        };
    }
}
