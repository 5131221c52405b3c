using MeshLite.Metrics;
using MeshLite.Model;
using MeshLite.Sidecar.Config;
using MeshLite.Sidecar.Forwarding;
using MeshLite.Sidecar.Listeners;
using MeshLite.Sidecar.Pipeline;
using MeshLite.Sidecar.Routing;
using Microsoft.AspNetCore.Http.Features;

namespace MeshLite.Sidecar.Authorization;

/// <summary>
/// May this caller call, and must it have proved who it is? Asked for each request, each TCP connection, and, when the policies have changed, of connections and
/// WebSockets that are open. One per program; <see cref="Apply"/> by the configuration loop, which alone replaces the policies,
/// the rest by requests.
/// </summary>
internal sealed class InboundAuthorization
{
    private readonly MeshState _mesh;
    private readonly LocalApplication _application;
    private readonly OpenFlows _flows;
    private readonly ConnectionTracker _connections;
    private readonly ILogger _log;
    private readonly CounterFamily _decisions;
    private readonly CounterSeries _allowed;
    private readonly CounterSeries _denied;
    private volatile AuthorizationModel? _model;
    private MtlsMode? _mtls;

    public InboundAuthorization(
        MeshState mesh, LocalApplication application, OpenFlows flows, ConnectionTracker connections, MetricRegistry metrics, ILogger<InboundAuthorization> log)
    {
        (_mesh, _application, _flows, _connections, _log) = (mesh, application, flows, connections, log);
        _decisions = metrics.AddCounter(
            "meshlite_authorization_total", "Requests and TCP connections judged by AuthorizationPolicies, by the policy that decided; none: the lack of one did.", "result", "policy");
        _allowed = _decisions.Series("allowed", "");
        _denied = _decisions.Series("denied", "");
    }

    /// <summary>Puts the workload's policies in force.</summary>
    public void Apply(WorkloadConfig workload)
    {
        var model = AuthorizationModel.Build(workload.Authorization);
        foreach (var policy in model?.Policies ?? [])
        {
            policy.Counter = _decisions.Series(ResultOf(policy.Action), policy.Name);
            if (policy.Action == AuthorizationAction.Unintelligible)
            {
                AuthorizationLog.PolicyUnintelligible(_log, policy.Name);
            }
        }

        _model = model;
        _flows.JudgeAll();

        // Requests of plaintext callers are refused from now on; those under way are answered, then their connections end.
        if (workload.Mtls != MtlsMode.Permissive && _mtls == MtlsMode.Permissive)
        {
            AuthorizationLog.PlaintextEnds(_log, workload.Mtls, _connections.EndPlaintext());
        }

        _mtls = workload.Mtls;
    }

    /// <summary>Why a request is refused; null: it is not.</summary>
    public ProxyError? Check(RequestState state) => _model is { } model
        ? CheckHttp(model, state.Connection, MethodOf(state.Context), state.Context.Features.Get<IHttpRequestFeature>()!.RawTarget, count: true)
        : null;

    /// <summary>
    /// A request that takes over its connection or stream; null: an ordinary one. To be disposed when it ends.
    /// </summary>
    public OpenFlows.Flow? Guard(RequestState state) => IsWebSocket(state.Context) ? GuardWebSocket(state) : null;

    private OpenFlows.Flow GuardWebSocket(RequestState state)
    {
        // The state is the next request's by the time somebody may still be judging this one.
        var (connection, method, target) = (state.Connection, MethodOf(state.Context), state.Context.Features.Get<IHttpRequestFeature>()!.RawTarget);
        var flow = _flows.Open(() => CheckMtls(connection) ?? (_model is { } model ? CheckHttp(model, connection, method, target, count: false) : null));
        flow.WhenCut(static context => ((HttpContext)context!).Abort(), state.Context);
        flow.Judge();
        return flow;
    }

    /// <summary>A TCP connection to a port of the application, judged; to be disposed when it ends.</summary>
    public OpenFlows.Flow Enter(MeshConnection connection, int port)
    {
        var first = true;
        var flow = _flows.Open(() => CheckMtls(connection) ?? (_model is { } model ? CheckTcp(model, connection, port, Volatile.Read(ref first)) : null));
        flow.Judge();
        Volatile.Write(ref first, false);
        return flow;
    }

    /// <summary>Why a caller is refused for having proved nothing.</summary>
    public ProxyError? CheckMtls(MeshConnection connection) =>
        connection.Peer is not null || _mesh.Workload?.Mtls == MtlsMode.Permissive ? null
        : new ProxyError(ErrorReason.Denied, ErrorSource.Downstream, "This workload accepts only mTLS from the mesh.");

    private ProxyError? CheckTcp(AuthorizationModel model, MeshConnection connection, int port, bool count) =>
        Judge(model, new Call { Principal = PrincipalOf(connection), Namespace = connection.Peer?.Namespace, Port = port }, "", count);

    private ProxyError? CheckHttp(AuthorizationModel model, MeshConnection connection, string method, string raw, bool count)
    {
        var target = model.LooksAtPaths || !model.Audits.IsEmpty ? PathNormalizer.Normalize(raw) : default;
        return Judge(model, new Call
        {
            Principal = PrincipalOf(connection),
            Namespace = connection.Peer?.Namespace,
            Port = (connection.Original ?? _application.Declared)?.Port ?? 0,
            Method = method,
            Path = model.LooksAtPaths ? target.Path : default,
            PathInDoubt = model.LooksAtPaths && PathDoubt.Has(in target),
        }, target.Raw is null ? "" : target.LogPath, count);
    }

    private ProxyError? Judge(AuthorizationModel model, in Call call, ReadOnlySpan<char> logPath, bool count)
    {
        if (count)
        {
            Audit(model, in call, logPath);
        }

        var decision = model.Decide(in call);
        if (count || !decision.Allowed)
        {
            (decision.By?.Counter ?? (decision.Allowed ? _allowed : _denied)).Increment();
        }

        return decision switch
        {
            { Allowed: true } => null,
            { By: { Action: AuthorizationAction.Unintelligible } } => Denied("An AuthorizationPolicy of this workload is not understood by its sidecar, which lets nobody in."),
            { By: not null } => Denied("An AuthorizationPolicy with action Deny forbids this call."),
            _ => Denied("No AuthorizationPolicy with action Allow allows this call."),
        };
    }

    private void Audit(AuthorizationModel model, in Call call, ReadOnlySpan<char> logPath)
    {
        foreach (var policy in model.Audits)
        {
            if (policy.Matches(in call))
            {
                policy.Counter!.Increment();
                AuthorizationLog.Audited(_log, policy.Name, call.Principal ?? "plaintext", call.Port, call.Method ?? "TCP", logPath.ToString());
            }
        }
    }

    private static ProxyError Denied(string detail) => new(ErrorReason.Denied, ErrorSource.Downstream, detail);

    // Between sidecars a WebSocket is a CONNECT (RFC 8441); its application gets a GET.
    private static string MethodOf(HttpContext context) => HttpMethods.IsConnect(context.Request.Method) ? HttpMethods.Get : context.Request.Method;

    private static string? PrincipalOf(MeshConnection connection) => connection.Peer is { } peer ? connection.PeerId ??= peer.ToString() : null;

    private static bool IsWebSocket(HttpContext context) =>
        HttpMethods.IsConnect(context.Request.Method) || (context.Request.Headers.Upgrade.Count > 0 && context.Features.Get<IHttpUpgradeFeature>()?.IsUpgradableRequest == true);

    private static string ResultOf(AuthorizationAction action) => action switch
    {
        AuthorizationAction.Allow => "allowed",
        AuthorizationAction.Audit => "audited",
        _ => "denied",
    };
}
