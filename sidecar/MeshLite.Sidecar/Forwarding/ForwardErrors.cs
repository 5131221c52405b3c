using MeshLite.Sidecar.Http2;
using MeshLite.Sidecar.Pipeline;
using MeshLite.Sidecar.Resilience.Timeouts;
using Yarp.ReverseProxy.Forwarder;

namespace MeshLite.Sidecar.Forwarding;

/// <summary>Names what went wrong in a forward: YARP's outcome and the exception behind it become a <see cref="ProxyError"/>. Pure.</summary>
internal static class ForwardErrors
{
    private const long Http2RefusedStream = 0x7; // RFC 9113 §7

    /// <summary>The error of a forward that YARP ended with <paramref name="outcome"/>; null: the caller went away, nobody is left to tell.</summary>
    public static ProxyError? From(RequestState state, ForwarderError outcome)
    {
        if (state.TimedOut)
        {
            return state.AttemptBound
                ? new ProxyError(ErrorReason.AttemptTimeout, ErrorSource.Upstream, "The response was not whole in time.")
                : RequestDeadline.TimedOut();
        }

        // A response that the server broke off has been cut off for the caller too by now: that it is gone then is YARP's doing.
        if (state.Context.RequestAborted.IsCancellationRequested && outcome != ForwarderError.ResponseBodyDestination)
        {
            return null;
        }

        // An attempt knows best why it failed.
        if (state.Error is not null)
        {
            return state.Error;
        }

        var exception = state.Context.Features.Get<IForwarderErrorFeature>()?.Exception;
        return outcome switch
        {
            ForwarderError.RequestBodyClient or ForwarderError.RequestBodyCanceled or ForwarderError.UpgradeRequestClient =>
                new ProxyError(ErrorReason.ProtocolError, ErrorSource.Downstream, "The request's body broke off or is malformed."),
            ForwarderError.RequestTimedOut or ForwarderError.UpgradeActivityTimeout => Idle(),
            ForwarderError.ResponseBodyDestination when exception is OperationCanceledException => Idle(), // so YARP says that its activity timer fired
            ForwarderError.RequestCreation =>
                new ProxyError(ErrorReason.ProtocolError, ErrorSource.Downstream, $"The request can't be sent on. {exception?.GetBaseException().Message}"),
            _ => FromSend(exception),
        };
    }

    private static ProxyError Idle() => new(ErrorReason.RequestTimeout, ErrorSource.Upstream, "Nothing moved for too long.");

    /// <summary>The error of one send.</summary>
    public static ProxyError FromSend(Exception? exception)
    {
        for (var e = exception; e is not null; e = e.InnerException)
        {
            switch (e)
            {
                case ConnectException connect:
                    return new ProxyError(connect.IsTls ? ErrorReason.TlsFailure : ErrorReason.ConnectFailure, ErrorSource.Upstream, Sentence(connect.Message), Undelivered: true);
                case UnsentException unsent:
                    return new ProxyError(ErrorReason.ConnectFailure, ErrorSource.Upstream, Sentence(unsent.Message), Undelivered: true);
                case HttpProtocolException { ErrorCode: Http2RefusedStream }:
                    return new ProxyError(ErrorReason.ConnectFailure, ErrorSource.Upstream, "The server refused the stream.", Undelivered: true);
            }
        }

        return new ProxyError(ErrorReason.ProtocolError, ErrorSource.Upstream, Sentence(Innermost(exception)));
    }

    /// <summary>The connection had served before and was closed meanwhile: the server may never have seen the request, or it may.</summary>
    public static bool IsStaleConnection(Exception? exception)
    {
        for (var e = exception; e is not null; e = e.InnerException)
        {
            if (e is StaleConnectionException)
            {
                return true;
            }
        }

        return false;
    }

    private static string Innermost(Exception? exception)
    {
        while (exception?.InnerException is { } inner)
        {
            exception = inner;
        }

        return exception is null ? "the server's answer could not be read" : $"the server's answer broke off: {exception.Message}";
    }

    private static string Sentence(string text) => text.Length == 0 ? text : $"{char.ToUpperInvariant(text[0])}{text[1..].TrimEnd('.')}.";
}
