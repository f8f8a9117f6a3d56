// SPDX-License-Identifier: Apache-2.0
// The capture library as a Node addon: class Capture with start(), drain(batch), stats(), close(). It keeps no logic of its own.

#include <napi.h>
#include <unistd.h>

#include <string>

extern "C" {
#include "../capture/capture.h"
}

namespace {

class Capture : public Napi::ObjectWrap<Capture> {
 public:
  static void Register(Napi::Env env, Napi::Object exports) {
    exports.Set("Capture", DefineClass(env, "Capture",
                                       {
                                           InstanceMethod<&Capture::Start>("start"),
                                           InstanceMethod<&Capture::Drain>("drain"),
                                           InstanceMethod<&Capture::Stats>("stats"),
                                           InstanceMethod<&Capture::Close>("close"),
                                       }));
  }

  explicit Capture(const Napi::CallbackInfo& info) : Napi::ObjectWrap<Capture>(info) {
    if (info.Length() < 1 || !info[0].IsObject()) {
      Napi::TypeError::New(info.Env(), "Capture wants options: { snaplen, ringBytes }").ThrowAsJavaScriptException();
      return;
    }
    const Napi::Object given = info[0].As<Napi::Object>();
    const Napi::Value snaplen = given.Get("snaplen");
    const Napi::Value ring_bytes = given.Get("ringBytes");
    if (!snaplen.IsNumber() || !ring_bytes.IsNumber()) {
      Napi::TypeError::New(info.Env(), "snaplen and ringBytes must be numbers").ThrowAsJavaScriptException();
      return;
    }
    const sonde_options options = {
        .snaplen = snaplen.As<Napi::Number>().Uint32Value(),
        .ring_bytes = static_cast<uint64_t>(ring_bytes.As<Napi::Number>().Int64Value()),
        .own_pid = static_cast<uint32_t>(getpid()),
    };
    int error = 0;
    capture_ = sonde_open(&options, &error);
    if (capture_ == nullptr) Throw(info.Env(), "the eBPF programs cannot be loaded", error);
  }

  ~Capture() override { sonde_close(capture_); }

 private:
  void Throw(Napi::Env env, const char* what, int error) {
    Napi::Error failure = Napi::Error::New(env, std::string(what) + ": " + strerror(-error));
    failure.Set("errno", Napi::Number::New(env, -error));
    failure.Set("log", Napi::String::New(env, sonde_log()));
    failure.ThrowAsJavaScriptException();
  }

  bool IsOpen(Napi::Env env) {
    if (capture_ != nullptr) return true;
    Napi::Error::New(env, "the capture is closed").ThrowAsJavaScriptException();
    return false;
  }

  void Start(const Napi::CallbackInfo& info) {
    if (!IsOpen(info.Env())) return;
    if (started_) {
      Napi::Error::New(info.Env(), "the capture was started before").ThrowAsJavaScriptException();
      return;
    }
    const int error = sonde_start(capture_);
    if (error != 0) {
      Throw(info.Env(), "the eBPF programs cannot be attached", error);
      return;
    }
    started_ = true;
  }

  Napi::Value Drain(const Napi::CallbackInfo& info) {
    if (!IsOpen(info.Env())) return info.Env().Undefined();
    if (info.Length() < 1 || !info[0].IsTypedArray() || info[0].As<Napi::TypedArray>().TypedArrayType() != napi_uint8_array) {
      Napi::TypeError::New(info.Env(), "drain wants a Uint8Array").ThrowAsJavaScriptException();
      return info.Env().Undefined();
    }
    Napi::Uint8Array batch = info[0].As<Napi::Uint8Array>();
    if (batch.ByteLength() < SONDE_BATCH_MIN) {
      Napi::RangeError::New(info.Env(), "the batch is smaller than one event may be").ThrowAsJavaScriptException();
      return info.Env().Undefined();
    }
    return Napi::Number::New(info.Env(), static_cast<double>(sonde_drain(capture_, batch.Data(), batch.ByteLength())));
  }

  Napi::Value Stats(const Napi::CallbackInfo& info) {
    if (!IsOpen(info.Env())) return info.Env().Undefined();
    sonde_stats stats;
    sonde_read_stats(capture_, &stats);
    Napi::Object result = Napi::Object::New(info.Env());
    const auto set = [&](const char* name, uint64_t value) { result.Set(name, Napi::Number::New(info.Env(), static_cast<double>(value))); };
    set("events", stats.events);
    set("ringFull", stats.ring_full);
    set("tooBig", stats.too_big);
    set("noMemory", stats.no_memory);
    set("compat", stats.compat);
    set("late", stats.late);
    set("instructions", stats.instructions);
    return result;
  }

  void Close(const Napi::CallbackInfo&) {
    sonde_close(capture_);
    capture_ = nullptr;
  }

  sonde_capture* capture_ = nullptr;
  bool started_ = false;
};

Napi::Object Init(Napi::Env env, Napi::Object exports) {
  Capture::Register(env, exports);
  return exports;
}

}  // namespace

NODE_API_MODULE(sonde, Init)
